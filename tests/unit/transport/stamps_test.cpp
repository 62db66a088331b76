// Stamps: who takes part keeps a flight recorder, everybody picks the same messages, and what a
// killed process stamped is still there.
#include "support/channel_fixture.hpp"
#include "support/child_process.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <set>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing_support::code_of;
using testing_support::run_in_child;
using testing_support::said;

class Stamping : public testing_support::ChannelTest {
 protected:
  [[nodiscard]] Channel stamped_channel(Stamps stamps, std::uint32_t every = 8,
                                        Policy policy = Policy::block) {
    ChannelOptions options;
    options.ring_bytes = 65536;
    options.policy = policy;
    options.stamps = stamps;
    options.stamp_every = every;
    return channel(options);
  }

  static void pass(Publisher& publisher, Subscriber& subscriber, int count) {
    for (int i = 0; i < count; ++i) {
      send(publisher, "twelve bytes");
      const auto message = subscriber.try_poll();
      ASSERT_TRUE(message) << said(message);
      ASSERT_TRUE(*message);
    }
    (void)subscriber.release();
  }

  // Everything that is there; each call of poll_each gives a few turns.
  [[nodiscard]] static std::size_t read_all(Subscriber& subscriber) {
    std::size_t read = 0;
    for (std::size_t more = 1; more != 0; read += more)
      more = subscriber.poll_each([](const Message&) {}).value_or(0);
    return read;
  }

  [[nodiscard]] static ChannelTrace trace_of(const Channel& channel) {
    auto trace = channel.trace();
    EXPECT_TRUE(trace) << said(trace);
    return trace ? std::move(*trace) : ChannelTrace{};
  }

  [[nodiscard]] static std::set<Sequence> sequences(const RecorderTrace& recorder) {
    std::set<Sequence> found;
    for (const StampRecord& record : recorder.records)
      found.insert(record.sequence);
    return found;
  }

  [[nodiscard]] std::size_t files() const {
    const std::filesystem::directory_iterator all(file("stamps"));
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
};

TEST_F(Stamping, StampsEveryStageOfAMessageInOrder) {
  const Channel channel = stamped_channel(Stamps::all);
  Publisher source = publisher(channel);
  Subscriber reader = subscriber(channel);
  const std::uint64_t before = domain_.clock()->ticks();
  source.intended(before);
  send(source, "twelve bytes");
  ASSERT_TRUE(reader.poll_for(1s));
  ASSERT_TRUE(reader.release());
  const std::vector<MessageTrace> messages = join(trace_of(channel));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].sequence, 0U);
  EXPECT_EQ(messages[0].length, 12U);
  ASSERT_EQ(messages[0].passages.size(), 2U);
  std::vector<std::uint64_t> stamps;
  for (const Passage& passage : messages[0].passages)
    stamps.insert(stamps.end(), passage.stamps.begin(), passage.stamps.end());
  EXPECT_EQ(stamps.front(), before);
  EXPECT_TRUE(std::ranges::is_sorted(stamps));
  EXPECT_EQ(std::ranges::count(stamps, 0U), 0);
  EXPECT_EQ(messages[0].first, before);
  EXPECT_EQ(messages[0].last, stamps.back());
}

TEST_F(Stamping, EverybodyPicksTheSameMessages) {
  for (const Policy policy : {Policy::block, Policy::lossy}) {
    ASSERT_TRUE(policy == Policy::block || domain_.remove("quotes"));
    const Channel channel = stamped_channel(Stamps::sampled, 8, policy);
    Publisher source = publisher(channel);
    Subscriber one = subscriber(channel);
    Subscriber other = subscriber(channel);
    pass(source, one, 800);
    ASSERT_EQ(read_all(other), 800U);
    const ChannelTrace trace = trace_of(channel);
    ASSERT_EQ(trace.recorders.size(), 3U);
    EXPECT_EQ(trace.refused.size(), 0U);
    for (const RecorderTrace& recorder : trace.recorders) {
      EXPECT_EQ(recorder.records.size(), 100U) << to_string(recorder.role);
      EXPECT_EQ(recorder.every, 8U);
      EXPECT_EQ(sequences(recorder), sequences(trace.recorders[0]));
    }
    for (const MessageTrace& message : join(trace)) {
      ASSERT_EQ(message.passages.size(), 3U) << message.sequence;
      for (const Passage& passage : message.passages)
        EXPECT_NE(passage.stamps[3], 0U) << message.sequence << " " << passage.recorder;
    }
  }
}

TEST_F(Stamping, OfABatchStampsTheMessagesThatAreDue) {
  const Channel channel = stamped_channel(Stamps::sampled, 4);
  Publisher source = publisher(channel);
  Subscriber reader = subscriber(channel);
  for (int round = 0; round < 10; ++round) {
    auto batch = source.batch();
    ASSERT_TRUE(batch);
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(batch->add(std::as_bytes(std::span("batched", 7))));
    std::move(*batch).publish();
  }
  ASSERT_EQ(read_all(reader), 100U);
  const std::vector<MessageTrace> messages = join(trace_of(channel));
  EXPECT_EQ(messages.size(), 25U);
  for (const MessageTrace& message : messages) {
    ASSERT_EQ(message.passages.size(), 2U) << message.sequence;
    const auto& stamps = message.passages[0].stamps;
    EXPECT_TRUE(stamps[1] != 0 && stamps[1] <= stamps[2] && stamps[2] <= stamps[3]);
  }
}

// A claim that was given up leaves a record without its last stamp; the message that gets its
// sequence has one of its own.
TEST_F(Stamping, AnAbortedClaimIsNoMessage) {
  const Channel channel = stamped_channel(Stamps::all);
  Publisher source = publisher(channel);
  auto dropped = source.try_claim(100);
  ASSERT_TRUE(dropped);
  std::move(*dropped).abort();
  ChannelTrace trace = trace_of(channel);
  ASSERT_EQ(trace.recorders[0].records.size(), 1U);
  EXPECT_EQ(trace.recorders[0].records[0].stamps[3], 0U);
  send(source, "published");
  trace = trace_of(channel);
  EXPECT_EQ(trace.recorders[0].records.size(), 2U);
  const std::vector<MessageTrace> messages = join(trace);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].length, 9U);
  EXPECT_NE(messages[0].passages[0].stamps[3], 0U);
}

TEST_F(Stamping, IsEachPartysOwnChoice) {
  const Channel channel = stamped_channel(Stamps::off);
  Publisher source = publisher(channel);
  auto reader = channel.subscriber({.stamps = Stamps::all});
  ASSERT_TRUE(reader) << said(reader);
  pass(source, *reader, 20);
  const ChannelTrace trace = trace_of(channel);
  ASSERT_EQ(trace.recorders.size(), 1U);
  EXPECT_EQ(trace.recorders[0].role, StampRole::subscriber);
  EXPECT_EQ(trace.recorders[0].records.size(), 20U);
}

TEST_F(Stamping, KeepsWhatAKilledPublisherStampedAndItsOpenClaim) {
  const Channel channel = stamped_channel(Stamps::all);
  Subscriber reader = subscriber(channel);
  const auto child = run_in_child([this]() -> std::string {
    Domain own = another_domain("victim");
    auto& source = *new Publisher(publisher(*own.find("quotes")));
    for (int i = 0; i < 5; ++i)
      send(source, "from the dead");
    auto claim = source.try_claim(64);
    kill(getpid(), SIGKILL);
    return claim ? "" : "no claim";
  });
  ASSERT_EQ(child.signal, SIGKILL);
  ASSERT_EQ(read_all(reader), 5U);
  const ChannelTrace trace = trace_of(channel);
  ASSERT_EQ(trace.recorders.size(), 2U);
  const RecorderTrace& dead = trace.recorders[0];
  EXPECT_EQ(dead.role, StampRole::publisher);
  EXPECT_FALSE(dead.owner.alive);
  EXPECT_FALSE(dead.left);
  ASSERT_EQ(dead.records.size(), 6U);
  EXPECT_NE(dead.records[4].stamps[3], 0U);
  EXPECT_EQ(dead.records[5].stamps[3], 0U) << "the claim that was never published";
  EXPECT_EQ(join(trace).front().passages.size(), 2U);
  auto cleaned = domain_.clean();
  ASSERT_TRUE(cleaned);
  EXPECT_EQ(cleaned->recorders, 1U);
  EXPECT_EQ(trace_of(channel).recorders.size(), 1U);
}

TEST_F(Stamping, KeepsOnlyTheNewestOfThoseWhoseOwnersHaveGone) {
  const Channel channel = stamped_channel(Stamps::all);
  Publisher stays = publisher(channel);
  for (int i = 0; i < 40; ++i)
    (void)subscriber(channel);
  EXPECT_LE(files(), 18U);
  const ChannelTrace trace = trace_of(channel);
  EXPECT_EQ(std::ranges::count(trace.recorders, false, &RecorderTrace::left), 1);
}

TEST_F(Stamping, BelievesNothingInAFileThatIsNoRecorder) {
  const Channel channel = stamped_channel(Stamps::all);
  Publisher source = publisher(channel);
  send(source, "true");
  const std::string name = std::filesystem::directory_iterator(file("stamps"))->path();
  const int fd = open(name.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  // A sequence that is no number of this slot, and a role that nobody has.
  const std::uint64_t version = 2 * 77 + 2;
  ASSERT_EQ(pwrite(fd, &version, sizeof version, sizeof(layout::StampFile)), 8);
  EXPECT_EQ(trace_of(channel).recorders[0].wrong, 1U);
  for (const std::size_t at :
       {offsetof(layout::StampFile, role), offsetof(layout::StampFile, slots),
        offsetof(layout::StampFile, shift)}) {
    std::uint32_t good = 0;
    const std::uint32_t bad = 0x7fff'ffff;
    ASSERT_EQ(pread(fd, &good, 4, static_cast<off_t>(at)), 4);
    ASSERT_EQ(pwrite(fd, &bad, 4, static_cast<off_t>(at)), 4);
    const ChannelTrace trace = trace_of(channel);
    EXPECT_EQ(trace.recorders.size(), 0U);
    ASSERT_EQ(trace.refused.size(), 1U) << at;
    ASSERT_EQ(pwrite(fd, &good, 4, static_cast<off_t>(at)), 4);
  }
  ASSERT_EQ(ftruncate(fd, 1000), 0);
  EXPECT_EQ(trace_of(channel).refused.size(), 1U);
  send(source, "goes on, though its own recorder was cut off");
  close(fd);
}

// Whatever a recorder says while it is read, the trace is records of its slots or nothing.
TEST_F(Stamping, ReadsARecorderThatIsScribbledOverMeanwhile) {
  const Channel channel = stamped_channel(Stamps::all);
  Publisher source = publisher(channel);
  const std::string name = std::filesystem::directory_iterator(file("stamps"))->path();
  const int fd = open(name.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  std::mt19937_64 random(11);
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t lie = random() >> random() % 64;
    const auto at = static_cast<off_t>(sizeof(layout::SegmentHeader) + random() % 4096 / 8 * 8);
    ASSERT_EQ(pwrite(fd, &lie, sizeof lie, at), 8);
    if (round % 5 == 0) send(source, "scribbled over");
    if (round % 16 != 0) continue;
    (void)ftruncate(fd, round % 64 == 0 ? 5000 : layout::stamp_file_bytes(1024));
    const ChannelTrace trace = trace_of(channel);
    EXPECT_EQ(trace.recorders.size() + trace.refused.size(), 1U);
    for (const RecorderTrace& recorder : trace.recorders) {
      EXPECT_LE(recorder.records.size() + recorder.torn + recorder.wrong, recorder.kept);
      EXPECT_LE(join(trace).size(), recorder.records.size());
    }
  }
  close(fd);
}

TEST_F(Stamping, RefusesRatesAndSizesThatCannotBe) {
  ChannelOptions options;
  options.stamp_every = 1000;
  EXPECT_EQ(code_of(domain_.channel("odd", options)), Errc::bad_argument);
  options.stamp_every = 1024;
  options.stamp_records = 32;
  EXPECT_EQ(code_of(domain_.channel("odd", options)), Errc::bad_argument);
  EXPECT_EQ(code_of(domain_.find("odd")), Errc::not_found);
  (void)stamped_channel(Stamps::sampled);
  options = {};
  options.stamps = Stamps::all;
  EXPECT_EQ(code_of(domain_.channel("quotes", options)), Errc::bad_argument);
}

}  // namespace
}  // namespace millrace
