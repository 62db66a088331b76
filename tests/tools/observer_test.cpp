// Observers need nobody's cooperation: they answer while every process of the domain is stopped.
#include "command_fixture.hpp"

namespace millrace::testing_support {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Observer : public CommandTest {
 protected:
  // A publisher that waits for a stopped subscriber, and is then stopped itself.
  void freeze() {
    reader_.emplace(domain(), std::vector<std::string>{"sub", "c", "--timeout", "60"});
    publisher_.emplace(
        domain(),
        std::vector<std::string>{"pub", "c", "--ring", "4K", "--readers", "1", "--repeat",
                                 "1000000", "--input", file("input", "words that fill a ring\n")});
    ASSERT_TRUE(reader_->hear(1));
    reader_->send(SIGSTOP);
    ASSERT_TRUE(eventually([&] { return !blocked_on().is_null(); }));
    publisher_->send(SIGSTOP);
  }

  [[nodiscard]] nlohmann::json stat() const {
    return json_of(run({"stat", "c", "--json", "--interval", "0.01"}).out);
  }

  [[nodiscard]] nlohmann::json blocked_on() const {
    const auto lanes = stat()["lanes"];
    return lanes.empty() ? nlohmann::json() : lanes[0]["blocked_on"];
  }

  std::optional<Command> reader_;
  std::optional<Command> publisher_;
};

TEST_F(Observer, StatSaysWhoBlocksWhom) {
  freeze();
  const auto told = stat();
  const auto& lane = told["lanes"][0];
  EXPECT_EQ(lane["blocked_on"]["pid"], reader_->pid());
  EXPECT_GT(lane["blocked_for_ns"], 0);
  EXPECT_EQ(lane["publisher"]["pid"], publisher_->pid());
  EXPECT_EQ(lane["life"], "live");
  EXPECT_EQ(lane["messages_per_second"], 0);
  EXPECT_GT(lane["readers"][0]["lag_messages"], 0);
  EXPECT_EQ(told["options"]["ring_bytes"], 4096);
  const Outcome text = run({"stat", "c", "--interval", "0"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("BLOCKED    by millrace (pid " + std::to_string(reader_->pid())));
}

TEST_F(Observer, LsCountsTheLiving) {
  freeze();
  const auto channel = json_of(run({"ls", "--json"}).out)["channels"][0];
  EXPECT_EQ(channel["name"], "c");
  EXPECT_EQ(channel["publishers"], 1);
  EXPECT_EQ(channel["readers"], 1);
  EXPECT_GT(channel["messages"], 0);
  EXPECT_THAT(run({"ls"}).out, HasSubstr("block"));
}

TEST_F(Observer, TopWritesPlainScreensWhereThereIsNoTerminal) {
  freeze();
  const Outcome text = run({"top", "--count", "2", "--interval", "0.01"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("BLOCKED BY"));
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos);
  const Outcome json = run({"top", "--count", "1", "--interval", "0.01", "--json"});
  EXPECT_EQ(json_of(json.out)["channels"][0]["channel"], "c");
}

TEST_F(Observer, CleanNeverTouchesTheStopped) {
  freeze();
  const auto before = names("c");
  const Outcome cleaned = run({"clean", "--channels", "--json"});
  EXPECT_EQ(cleaned.exit_code, 0);
  EXPECT_EQ(json_of(cleaned.out)["removed"]["participants"], 0);
  EXPECT_EQ(json_of(cleaned.out)["removed"]["channels"], 0);
  EXPECT_EQ(names("c"), before);
  EXPECT_EQ(names("participants").size(), 2U);
  EXPECT_EQ(run({"clean", "c"}).exit_code, 2);
  // Both go on as if nothing had been.
  const std::size_t heard = 1 << 16;
  publisher_->send(SIGCONT);
  reader_->send(SIGCONT);
  EXPECT_TRUE(reader_->hear(heard));
}

TEST_F(Observer, CleanRemovesTheKilledAndSaysSo) {
  freeze();
  publisher_.reset();
  reader_.reset();
  EXPECT_EQ(names("participants").size(), 2U);
  const auto cleaned = json_of(run({"clean", "--channels", "--json"}).out);
  EXPECT_EQ(cleaned["removed"]["participants"], 2);
  EXPECT_EQ(cleaned["removed"]["channels"], 1);
  EXPECT_THAT(names("participants"), IsEmpty());
  EXPECT_FALSE(has_channel("c"));
  EXPECT_THAT(run({"clean"}).out, HasSubstr("nothing was dead"));
  EXPECT_THAT(run({"ls"}).out, HasSubstr("no channels"));
}

TEST_F(Observer, DoctorLooksAtEverything) {
  const Outcome got = run({"doctor", "--json"});
  const auto findings = json_of(got.out)["findings"];
  std::vector<std::string> subjects;
  bool failed = false;
  for (const auto& found : findings) {
    subjects.push_back(found["subject"]);
    failed = failed || found["health"] == "FAIL";
  }
  EXPECT_THAT(subjects, ::testing::IsSupersetOf({"shared memory", "memory cgroup", "RemoveIPC",
                                                 "memlock", "huge pages", "kernel", "membarrier",
                                                 "futex_waitv", "io_uring", "NUMA", "clock",
                                                 "CPU governor", "stolen time", "container"}));
  EXPECT_EQ(got.exit_code, failed ? 1 : 0);
  EXPECT_FALSE(std::filesystem::exists(domain()));
}

}  // namespace
}  // namespace millrace::testing_support
