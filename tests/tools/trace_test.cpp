// millrace trace over real processes: what a publisher that was killed has stamped is joined with
// what its reader stamped, and is drawn with an arrow for each message.
#include "command_fixture.hpp"

#include <map>
#include <set>

namespace millrace::testing_support {
namespace {

using ::testing::HasSubstr;

class Trace : public CommandTest {
 protected:
  // A line so long that the ring holds fewer of them than a flight recorder: the last messages that
  // a reader has taken are still in its publisher's recorder, however far that one is ahead.
  static constexpr std::size_t kLine = 2000;

  // A publisher of endless lines, killed once its reader has heard some; the reader goes on living.
  void kill_a_publisher(const char* stamps) {
    publisher_.emplace(
        domain(), std::vector<std::string>{"pub", "c", "--stamps", stamps, "--ring", "256K",
                                           "--readers", "1", "--repeat", "100000000", "--input",
                                           file("input", std::string(kLine, 'a') + "\n")});
    ASSERT_TRUE(eventually([&] { return has_channel("c"); }));
    reader_.emplace(domain(), std::vector<std::string>{"sub", "c", "--timeout", "60"});
    ASSERT_TRUE(reader_->hear(1500 * kLine));
    dead_ = publisher_->pid();
    publisher_->send(SIGKILL);
    ASSERT_EQ(publisher_->finish().exit_code, -1);
    reader_->send(SIGSTOP);
  }

  [[nodiscard]] nlohmann::json trace(std::vector<std::string> more) const {
    more.insert(more.begin(), {"trace", "c", "--json"});
    const Outcome outcome = run(more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return json_of(outcome.out);
  }

  std::optional<Command> publisher_;
  std::optional<Command> reader_;
  pid_t dead_ = 0;
};

TEST_F(Trace, JoinsWhatAKilledPublisherAndAStoppedReaderStamped) {
  kill_a_publisher("all");
  EXPECT_EQ(json_of(run({"stat", "c", "--json", "--interval", "0"}).out)["recorders"], 2);
  const auto told = trace({"--last", "50"});
  ASSERT_EQ(told["recorders"].size(), 2U);
  EXPECT_EQ(told["recorders"][0]["role"], "publisher");
  EXPECT_EQ(told["recorders"][0]["owner"]["pid"], dead_);
  EXPECT_EQ(told["recorders"][0]["owner"]["alive"], false);
  EXPECT_EQ(told["recorders"][1]["role"], "subscriber");
  EXPECT_EQ(told["recorders"][1]["owner"]["pid"], reader_->pid());
  EXPECT_EQ(told["messages"].size(), 50U);
  EXPECT_GE(told["stamped"], 1000);
  int joined = 0;
  const auto all = trace({"--last", "2000"});
  for (const auto& message : all["messages"]) {
    if (message["passages"].size() != 2) continue;
    const auto& sent = message["passages"][0]["stamps_ns"];
    const auto& read = message["passages"][1]["stamps_ns"];
    if (!sent.contains("published") || !read.contains("visible")) continue;
    ++joined;
    EXPECT_EQ(message["bytes"], kLine);
    EXPECT_LE(sent["claim"], sent["claimed"]);
    EXPECT_LE(sent["claimed"], sent["published"]);
    EXPECT_LE(read["visible"], read["dequeued"]);
  }
  EXPECT_GT(joined, 0);
}

TEST_F(Trace, SamplesTheSameMessagesOnBothSides) {
  kill_a_publisher("sampled");
  std::map<std::size_t, std::set<std::uint64_t>> blocks;
  const auto told = trace({"--last", "100000"});
  for (const auto& message : told["messages"]) {
    for (const auto& passage : message["passages"])
      blocks[passage["recorder"]].insert(message["sequence"].get<std::uint64_t>() / 1024);
  }
  for (const auto& recorder : told["recorders"])
    EXPECT_EQ(recorder["every"], 1024);
  ASSERT_EQ(blocks.size(), 2U);
  // One message in each block, and the reader has been handed no other one.
  EXPECT_EQ(blocks[0].size(), told["recorders"][0]["records"]);
  EXPECT_TRUE(std::ranges::includes(blocks[0], blocks[1]));
}

TEST_F(Trace, DrawsAnArrowForEachMessage) {
  kill_a_publisher("all");
  const std::string path = scratch_ / "timeline.json";
  const Outcome outcome = run({"trace", "c", "--slowest", "100", "--chrome", path});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("100 of "));
  std::ifstream written(path);
  const auto timeline = nlohmann::json::parse(written, nullptr, false);
  ASSERT_FALSE(timeline.is_discarded());
  std::map<std::string, int> phases;
  std::map<int, int> arrows;
  for (const auto& event : timeline["traceEvents"]) {
    const std::string phase = event["ph"];
    ++phases[phase];
    if (phase == "s") arrows[event["id"]] = event["pid"];
    if (phase == "f") {
      EXPECT_EQ(arrows[event["id"]], dead_) << "an arrow begins at the publisher";
      EXPECT_EQ(event["pid"], reader_->pid());
    }
    if (phase == "X") {
      EXPECT_GE(event["dur"], 0);
    }
  }
  EXPECT_EQ(phases["M"], 4);
  EXPECT_GT(phases["s"], 0);
  EXPECT_EQ(phases["s"], phases["f"]);
  EXPECT_GE(phases["X"], 100);
  EXPECT_FALSE(std::filesystem::exists(path + ".unfinished"));
}

TEST_F(Trace, BeginsWithTheClockAndSaysWhatItCannotResolve) {
  kill_a_publisher("all");
  const Outcome plain = run({"trace", "c"});
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_TRUE(plain.out.starts_with("clock: ")) << plain.out;
  EXPECT_THAT(plain.out, HasSubstr("offset not measured"));
  EXPECT_THAT(plain.out, HasSubstr("dead"));
  const auto told = trace({});
  for (const auto& span : told["spans"]) {
    if (span["one_way"].get<bool>()) {
      EXPECT_EQ(span["resolved"], "offset unknown");
    } else if (span["mean_ns"] < 10 * told["clock"]["granularity_ns"].get<double>()) {
      EXPECT_EQ(span["resolved"], "mean only");
    } else {
      EXPECT_EQ(span["resolved"], "fully");
    }
  }
  const Outcome measured = run({"trace", "c", "--offset", "20ms", "--json"});
  if (measured.exit_code == 2) GTEST_SKIP() << "this process may use one processor only";
  EXPECT_GT(json_of(measured.out)["clock"]["offset"]["slices"], 0);
}

TEST_F(Trace, SaysThatNobodyStamps) {
  ASSERT_EQ(run({"pub", "c", "--input", "-"}, "one\n").exit_code, 0);
  const Outcome outcome = run({"trace", "c"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("nobody stamps"));
}

TEST_F(Trace, RefusesWhatCannotBeAndLeavesNothingBehind) {
  EXPECT_EQ(run({"trace", "c"}).exit_code, 2);
  ASSERT_EQ(run({"pub", "c", "--stamps", "all", "--input", "-"}, "one\n").exit_code, 0);
  EXPECT_EQ(run({"trace", "nothing"}).exit_code, 2);
  EXPECT_EQ(run({"trace", "c", "--last", "0"}).exit_code, 2);
  EXPECT_EQ(run({"trace", "c", "--last", "5", "--slowest", "5"}).exit_code, 2);
  EXPECT_EQ(run({"pub", "d", "--stamps", "some", "--input", "-"}, "one\n").exit_code, 2);
  EXPECT_FALSE(has_channel("d"));
  const Outcome outcome = run({"trace", "c", "--chrome", scratch_ / "no/such/directory.json"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("cannot write"));
  // A directory is in the way: what was written beside it goes again.
  std::filesystem::create_directory(scratch_ / "taken");
  EXPECT_EQ(run({"trace", "c", "--chrome", scratch_ / "taken"}).exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "taken.unfinished"));
}

}  // namespace
}  // namespace millrace::testing_support
