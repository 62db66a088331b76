// `millrace replay`: any part of a journal again, to standard output or into a channel.
#include "journal_fixture.hpp"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace millrace::testing_support {
namespace {

using ::testing::HasSubstr;

class Replay : public JournalCommandTest {
 protected:
  // 100 lines of "gate" and then 50 of "dock".
  void fill() const {
    const auto recording = recorder();
    ASSERT_EQ(publish(lines(0, 100), "gate").exit_code, 0);
    ASSERT_EQ(publish(lines(1000, 1050), "dock").exit_code, 0);
    ASSERT_EQ(end(*recording).exit_code, 0);
  }
};

TEST_F(Replay, GivesEverythingInTheOrderOfTheLog) {
  fill();
  EXPECT_EQ(replayed(), lines(0, 100) + lines(1000, 1050));
  EXPECT_EQ(replayed({"c"}), lines(0, 100) + lines(1000, 1050));
}

TEST_F(Replay, ARangeOfSequences) {
  fill();
  EXPECT_EQ(replayed({"--producer", "gate", "--from", "10", "--to", "20"}), lines(10, 20));
  EXPECT_EQ(replayed({"--from", "40", "--producer", "dock"}), lines(1040, 1050));
  EXPECT_EQ(replayed({"--count", "3"}), lines(0, 3));
}

TEST_F(Replay, ARangeOfTimes) {
  fill();
  EXPECT_EQ(replayed({"--from", "-1h"}), lines(0, 100) + lines(1000, 1050));
  EXPECT_EQ(replayed({"--to", "2020-01-01T00:00:00Z"}), "");
  EXPECT_EQ(replayed({"--from", "@4000000000"}), "");
  const std::string all = run({"replay", "--journal", journal(), "--json"}).out;
  const auto last = json_of(all);
  EXPECT_EQ(last["producer"], "dock");
  // The time that it prints is a place that it takes.
  const std::string from = last["time"];
  EXPECT_THAT(replayed({"--from", from}), HasSubstr("line 1049\n"));
}

TEST_F(Replay, PrintsAsSubDoes) {
  fill();
  EXPECT_EQ(replayed({"--count", "1", "--format", "hex"}), "6c696e652030\n");
  const auto object =
      json_of(run({"replay", "--journal", journal(), "--json", "--count", "1"}).out);
  EXPECT_EQ(object["producer"], "gate");
  EXPECT_EQ(object["sequence"], 0);
  EXPECT_EQ(object["text"], "line 0");
}

TEST_F(Replay, IntoAChannelUnderTheNamesOfTheProducers) {
  fill();
  Command reader(domain(), {"sub", "copy", "--count", "150", "--timeout", "60", "--json"});
  const Outcome said = run({"replay", "--journal", journal(), "--into", "copy", "--json"});
  ASSERT_EQ(said.exit_code, 0) << said.out << said.err;
  EXPECT_EQ(json_of(said.out)["replayed"], 150);
  EXPECT_EQ(reader.finish().exit_code, 0);
  const auto stats = json_of(run({"stat", "copy", "--json", "--interval", "0"}).out);
  ASSERT_EQ(stats["lanes"].size(), 2U);
  EXPECT_EQ(stats["lanes"][0]["producer"], "gate");
  EXPECT_EQ(stats["lanes"][1]["sequence"], 50);
}

TEST_F(Replay, FollowsARecorder) {
  const auto recording = recorder();
  ASSERT_EQ(publish(lines(0, 30)).exit_code, 0);
  Command replay(domain(), {"replay", "--journal", journal(), "--follow", "--count", "60"});
  ASSERT_EQ(publish(lines(30, 60)).exit_code, 0);
  const Outcome said = replay.finish();
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_EQ(said.out, lines(0, 60));
  EXPECT_EQ(end(*recording).exit_code, 0);
}

TEST_F(Replay, AFollowerCanBeAskedToEnd) {
  fill();
  Command replay(domain(), {"replay", "--journal", journal(), "--follow"});
  ASSERT_TRUE(replay.hear(10));
  replay.send(SIGINT);
  EXPECT_EQ(replay.finish().exit_code, 0);
}

TEST_F(Replay, KeepsTheDistancesOfTheRecording) {
  const auto recording = recorder();
  ASSERT_EQ(publish("a\n").exit_code, 0);
  usleep(300'000);
  ASSERT_EQ(publish("b\n").exit_code, 0);
  ASSERT_EQ(end(*recording).exit_code, 0);
  const auto seconds = [this](const char* speed) {
    const Outcome said = run({"replay", "--journal", journal(), "--speed", speed, "--json"});
    EXPECT_EQ(said.exit_code, 0) << said.err;
    return json_of(said.err)["seconds"].get<double>();
  };
  // However slow the machine is, it is never faster than asked.
  EXPECT_GE(seconds("1x"), 0.29);
  EXPECT_GE(seconds("2x"), 0.145);
}

TEST_F(Replay, RefusesWhatMakesNoSense) {
  fill();
  const auto expect = [this](std::vector<std::string> more, const std::string& part) {
    std::vector<std::string> words{"replay", "--journal", journal()};
    words.insert(words.end(), more.begin(), more.end());
    expect_refused(run(words), part);
  };
  expect({"--from", "yesterday"}, "yesterday");
  expect({"--to", "2025-02-31T00:00:00Z"}, "2025-02-31");
  expect({"--speed", "fast"}, "fast");
  expect({"--speed", "0x"}, "0x");
  expect({"nowhere"}, "nowhere");
  expect({"--producer", "nobody"}, "nobody");
  expect({"--into", "a/b"}, "a/b");
  expect({"--into", "c"}, "very journal");
  expect_refused(run({"replay", "--journal", disk_ / "nothing"}), "nothing");
  EXPECT_FALSE(has_channel("nothing"));
  expect_refused(run({"replay"}), "--journal");
}

TEST_F(Replay, AJournalThatIsNoneLeavesNoChannel) {
  expect_refused(run({"replay", "--journal", disk_ / "none", "--into", "copy"}), "none");
  EXPECT_FALSE(has_channel("copy"));
}

}  // namespace
}  // namespace millrace::testing_support
