// What channels see when their log's disk is full or fails, on a simulated disk.
#include "persist/recorder_fixture.hpp"
#include "recorder_core.hpp"
#include "simulated_disk.hpp"

namespace millrace {
namespace {

using sim::SimulatedDisk;
using sim::SimulatedMedium;
using testing_support::check_log;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::NumberedMessage;
using testing_support::said;

constexpr std::size_t kMost = 3000;

class RecorderFaultTest : public testing_support::RecorderTest {
 protected:
  static constexpr std::uint64_t kSmallRing = std::uint64_t{64} << 10;

  void SetUp() override {
    use_journals();
    domain_ = enter("test");
    channel_ = orders(kSmallRing);
  }

  [[nodiscard]] Result<std::unique_ptr<RecorderCore>> record() const {
    return RecorderCore::open(enter("recorder"), log_options(), {"orders"},
                              std::make_unique<SimulatedDisk>(medium_));
  }

  [[nodiscard]] Result<JournalReader> reader() const {
    return JournalReader::open(
        std::make_unique<SimulatedDisk>(medium_, SimulatedDisk::Role::reader));
  }

  static std::string try_next(Publisher& source) {
    const NumberedMessage message("feed", source.next_sequence(), kMost);
    const auto sent = source.try_send(message.bytes());
    return sent ? "" : said(sent);
  }

  // Rounds until everything published is durable.
  static void settle(RecorderCore& recorder, Publisher& source) {
    for (int i = 0; i < 1000 && source.durable() < source.next_sequence(); ++i) {
      const auto done = recorder.round(std::chrono::milliseconds(5));
      ASSERT_TRUE(done) << said(done);
    }
    ASSERT_EQ(source.durable(), source.next_sequence());
  }

  std::optional<Channel> channel_;
  std::shared_ptr<SimulatedMedium> medium_ = std::make_shared<SimulatedMedium>(
      1, DiskFacts{.file_system = "simulated", .engine = "simulator", .note = {}},
      std::uint64_t{64} << 20);
};

TEST_F(RecorderFaultTest, AFailedWriteIsSaidAndTheNextRecorderContinues) {
  auto recorder = record();
  ASSERT_TRUE(recorder) << said(recorder);
  Publisher source = publisher(*channel_, "feed");
  Subscriber durable = [&] {
    auto made = channel_->subscriber({.from = From::oldest()});
    EXPECT_TRUE(made) << said(made);
    return std::move(*made);
  }();
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(try_next(source), "");
  ASSERT_NO_FATAL_FAILURE(settle(**recorder, source));
  medium_->faults.write_error = 1000;
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(try_next(source), "");
  auto done = (*recorder)->round(std::chrono::milliseconds(5));
  for (int i = 0; i < 100 && done; ++i)
    done = (*recorder)->round(std::chrono::milliseconds(5));
  ASSERT_EQ(code_of(done), Errc::journal_poisoned) << said(done);
  EXPECT_EQ(code_of((*recorder)->round(std::chrono::nanoseconds(0))), Errc::journal_poisoned);
  // Nobody is left in doubt, and nobody is told more than is true.
  EXPECT_EQ(code_of(source.wait_durable(14, kWatchdog)), Errc::journal_poisoned);
  EXPECT_TRUE(source.wait_durable(9, kWatchdog));
  EXPECT_EQ(source.durable(), 10U);
  for (Sequence i = 0; i < 10; ++i) {
    const auto message = durable.poll_for(kWatchdog);
    ASSERT_TRUE(message) << said(message);
    ASSERT_EQ(message->sequence(), i);
  }
  EXPECT_EQ(code_of(durable.poll_for(kWatchdog)), Errc::journal_poisoned);

  recorder->reset();
  medium_->faults.write_error = 0;
  auto next = record();
  ASSERT_TRUE(next) << said(next);
  ASSERT_NO_FATAL_FAILURE(settle(**next, source));
  for (Sequence i = 10; i < 15; ++i) {
    const auto message = durable.poll_for(kWatchdog);
    ASSERT_TRUE(message) << said(message);
    ASSERT_EQ(message->sequence(), i);
  }
  ASSERT_TRUE((*next)->close());
  EXPECT_EQ(check_log(reader(), kMost, {{"feed", {.end = 15}}}), "");
}

TEST_F(RecorderFaultTest, AFullDiskIsSaidAndTheLogGoesOnByItself) {
  medium_->capacity = std::uint64_t{6} << 20;
  auto recorder = record();
  ASSERT_TRUE(recorder) << said(recorder);
  Publisher source = publisher(*channel_, "feed");
  // Until the disk is full, and the ring behind it.
  std::string refusal;
  for (int i = 0; i < 100'000; ++i) {
    refusal = try_next(source);
    const auto done = (*recorder)->round(std::chrono::milliseconds(1));
    ASSERT_TRUE(done) << said(done);
    if (!refusal.empty() && (*recorder)->stats().journal.state == LogState::full) break;
  }
  ASSERT_EQ((*recorder)->stats().journal.state, LogState::full) << refusal;
  EXPECT_NE(refusal.find("journal"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("full"), std::string::npos) << refusal;
  EXPECT_EQ(code_of(source.wait_durable(source.next_sequence() - 1, std::chrono::milliseconds(5))),
            Errc::timeout);
  medium_->capacity = std::uint64_t{64} << 20;
  ASSERT_NO_FATAL_FAILURE(settle(**recorder, source));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(try_next(source), "");
    ASSERT_NO_FATAL_FAILURE(settle(**recorder, source));
  }
  ASSERT_TRUE((*recorder)->close());
  EXPECT_EQ((*recorder)->stats().journal.state, LogState::ok);
  EXPECT_EQ(check_log(reader(), kMost, {{"feed", {.end = source.next_sequence()}}}), "");
}

TEST_F(RecorderFaultTest, AFullDiskEndsADrainAndLosesNothing) {
  medium_->capacity = std::uint64_t{6} << 20;
  {
    auto recorder = record();
    ASSERT_TRUE(recorder) << said(recorder);
    Publisher source = publisher(*channel_, "feed");
    while ((*recorder)->stats().journal.state != LogState::full) {
      (void)try_next(source);
      const auto done = (*recorder)->round(std::chrono::milliseconds(1));
      ASSERT_TRUE(done) << said(done);
    }
    ASSERT_EQ(code_of((*recorder)->close()), Errc::full);
  }
  medium_->capacity = std::uint64_t{64} << 20;
  auto next = record();
  ASSERT_TRUE(next) << said(next);
  Publisher source = publisher(*channel_, "feed");
  ASSERT_NO_FATAL_FAILURE(settle(**next, source));
  ASSERT_TRUE((*next)->close());
  EXPECT_EQ(check_log(reader(), kMost, {{"feed", {.end = source.next_sequence()}}}), "");
}

}  // namespace
}  // namespace millrace
