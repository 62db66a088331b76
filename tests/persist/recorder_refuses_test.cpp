// What a recorder must refuse: with one sentence, and nothing changed.
#include "persist/recorder_fixture.hpp"

#include <unistd.h>

namespace millrace {
namespace {

using testing_support::check_log;
using testing_support::code_of;
using testing_support::RecorderThread;
using testing_support::said;

using RecorderRefuses = testing_support::RecorderTest;

TEST_F(RecorderRefuses, ALogThatEndsBeforeWhatWasReportedDurable) {
  const Channel channel = orders();
  std::optional<Publisher> source;
  for (int life = 0; life < 2; ++life) {
    RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
    ASSERT_EQ(recorder.opened(), "");
    if (!source) source = publisher(channel, "feed");
    for (int i = 0; i < 50; ++i)
      ASSERT_EQ(send_next(*source, "feed", 100), "");
    ASSERT_EQ(recorder.end(), "");
    if (life == 0) {
      std::filesystem::copy(journal(), disk_ / "old", std::filesystem::copy_options::recursive);
    }
  }
  // An old copy is put back, of the same log.
  std::filesystem::rename(journal(), disk_ / "true");
  std::filesystem::rename(disk_ / "old", journal());
  const auto refused = open_recorder();
  ASSERT_EQ(code_of(refused), Errc::damaged) << said(refused);
  std::filesystem::remove_all(journal());
  std::filesystem::rename(disk_ / "true", journal());
  const auto accepted = open_recorder();
  EXPECT_TRUE(accepted) << said(accepted);
}

TEST_F(RecorderRefuses, ALaneThatContradictsTheLogAndGoesOnWithTheOthers) {
  const auto record = [this](const std::vector<std::string>& names, RecorderStats& stats) {
    RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
    ASSERT_EQ(recorder.opened(), "");
    const Channel channel = orders();
    for (const std::string& name : names) {
      Publisher source = publisher(channel, name);
      for (int i = 0; i < 50; ++i)
        ASSERT_EQ(send_next(source, name, 100), "");
    }
    ASSERT_EQ(recorder.end(), "");
    stats = recorder.stats();
  };
  RecorderStats stats;
  (void)orders();
  ASSERT_NO_FATAL_FAILURE(record({"one", "two"}, stats));
  domain_.reset();
  std::filesystem::copy(memory_ / "domain", memory_ / "old",
                        std::filesystem::copy_options::recursive);
  domain_ = enter("test");
  ASSERT_NO_FATAL_FAILURE(record({"one"}, stats));
  // Shared memory of an earlier moment: the log holds messages that this ring never saw.
  domain_.reset();
  std::filesystem::remove_all(memory_ / "domain");
  std::filesystem::rename(memory_ / "old", memory_ / "domain");
  domain_ = enter("test");
  ASSERT_NO_FATAL_FAILURE(record({"two"}, stats));
  ASSERT_EQ(stats.refused.size(), 1U);
  EXPECT_NE(stats.refused[0].find("\"one\""), std::string::npos) << stats.refused[0];
  EXPECT_EQ(check_log(journal(), 100, {{"one", {.end = 100}}, {"two", {.end = 100}}}), "");
}

TEST_F(RecorderRefuses, ASecondOneAndNamesTheFirst) {
  (void)orders();
  RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
  ASSERT_EQ(recorder.opened(), "");
  const auto second = open_recorder();
  ASSERT_EQ(code_of(second), Errc::busy) << said(second);
  EXPECT_NE(second.error().sentence().find(std::to_string(getpid())), std::string_view::npos)
      << second.error().sentence();
}

TEST_F(RecorderRefuses, ADurableChannelOfAnotherDirectory) {
  (void)orders();
  JournalOptions elsewhere = log_options();
  elsewhere.directory = disk_ / "elsewhere";
  const auto refused = Recorder::open(*domain_, elsewhere, {"orders"});
  ASSERT_EQ(code_of(refused), Errc::bad_argument);
  EXPECT_NE(refused.error().sentence().find(journal()), std::string_view::npos);
  EXPECT_FALSE(std::filesystem::exists(elsewhere.directory)) << "something was changed";
}

TEST_F(RecorderRefuses, AChannelThatIsMissingOrNamedTwice) {
  (void)orders();
  EXPECT_EQ(code_of(open_recorder({"orders", "absent"})), Errc::not_found);
  EXPECT_EQ(code_of(open_recorder({"orders", "orders"})), Errc::bad_argument);
  EXPECT_EQ(code_of(open_recorder({})), Errc::bad_argument);
  EXPECT_FALSE(std::filesystem::exists(journal())) << "something was changed";
}

TEST_F(RecorderRefuses, AnotherLogThanTheOneTheChannelIsDurableIn) {
  const Channel channel = orders();
  {
    RecorderThread recorder(enter("recorder"), log_options(), {"orders"});
    ASSERT_EQ(recorder.opened(), "");
    Publisher source = publisher(channel, "feed");
    ASSERT_EQ(send_next(source, "feed", 100), "");
    ASSERT_EQ(recorder.end(), "");
  }
  std::filesystem::rename(journal(), disk_ / "kept");
  const auto refused = open_recorder();
  ASSERT_EQ(code_of(refused), Errc::bad_argument) << said(refused);
  EXPECT_NE(refused.error().sentence().find("another log"), std::string_view::npos)
      << refused.error().sentence();
  EXPECT_FALSE(std::filesystem::exists(journal() + "/manifest.a")) << "something was made";
  {
    // One that is whole is no more welcome, and not called damaged.
    auto other = Journal::open(log_options());
    ASSERT_TRUE(other) << said(other);
    ASSERT_TRUE(other->close());
  }
  const auto again = open_recorder();
  ASSERT_EQ(code_of(again), Errc::bad_argument) << said(again);
  EXPECT_NE(again.error().sentence().find("another log"), std::string_view::npos)
      << again.error().sentence();
  std::filesystem::remove_all(journal());
  std::filesystem::rename(disk_ / "kept", journal());
  const auto accepted = open_recorder();
  EXPECT_TRUE(accepted) << said(accepted);
}

}  // namespace
}  // namespace millrace
