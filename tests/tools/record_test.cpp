// `millrace record`: what is published survives the recorder, the domain, and everything typed
// wrong.
#include "journal_fixture.hpp"
#include "support/child_process.hpp"
#include "support/loop_mount.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace millrace::testing_support {
namespace {

using ::testing::HasSubstr;

class Record : public JournalCommandTest {};

TEST_F(Record, KeepsWhatIsPublishedUntilItIsAskedToEnd) {
  const auto recording = recorder();
  ASSERT_EQ(publish(lines(0, 500)).exit_code, 0);
  const Outcome said = end(*recording);
  EXPECT_EQ(said.exit_code, 0) << said.err;
  const auto report = json_of(said.out);
  EXPECT_TRUE(report["ok"]);
  EXPECT_EQ(report["messages"], 500);
  EXPECT_EQ(report["missed"], 0);
  EXPECT_GT(report["batches"], 0);
  EXPECT_GT(report["flush_ns"]["p50"], 0);
  EXPECT_EQ(replayed(), lines(0, 500));
}

TEST_F(Record, DrainsWhatNobodyHasWaitedFor) {
  const auto recording = recorder();
  ASSERT_EQ(run({"pub", "c", "--name", "gate"}, lines(0, 2000)).exit_code, 0);
  EXPECT_EQ(json_of(end(*recording).out)["messages"], 2000);
  EXPECT_EQ(replayed(), lines(0, 2000));
}

TEST_F(Record, AKilledRecorderIsFollowedByTheNext) {
  std::string all;
  for (int life = 0; life < 3; ++life) {
    const auto recording = recorder();
    const std::string text = lines(life * 100, life * 100 + 100);
    ASSERT_EQ(publish(text).exit_code, 0);
    all += text;
    recording->send(SIGKILL);
    EXPECT_EQ(recording->finish().exit_code, -1);
  }
  const auto last = recorder();
  EXPECT_EQ(end(*last).exit_code, 0);
  EXPECT_EQ(replayed(), all);
}

TEST_F(Record, SaysWhetherTheLastOneClosedInGoodOrder) {
  {
    const auto first = recorder();
    EXPECT_EQ(json_of(end(*first).out)["event"], "end");
  }
  const auto second = recorder();
  second->send(SIGTERM);
  const std::string said = second->finish().out;
  EXPECT_TRUE(json_of(said.substr(0, said.find('\n')))["recovery"]["clean"]) << said;
}

TEST_F(Record, SequencesGoOnInADomainMadeAnew) {
  {
    const auto recording = recorder();
    ASSERT_EQ(publish(lines(0, 50)).exit_code, 0);
    EXPECT_EQ(end(*recording).exit_code, 0);
  }
  std::filesystem::remove_all(domain());  // as a reboot does
  const auto recording = recorder();
  ASSERT_EQ(publish(lines(50, 80)).exit_code, 0);
  EXPECT_EQ(end(*recording).exit_code, 0);
  EXPECT_EQ(replayed(), lines(0, 80));
  const Outcome last = run({"replay", "--journal", journal(), "--from", "79", "--json"});
  EXPECT_EQ(json_of(last.out)["sequence"], 79);
}

TEST_F(Record, ASecondOneIsRefusedWithThePidOfTheFirst) {
  const auto first = recorder();
  Outcome second = run(record_words());
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.out, HasSubstr(std::to_string(first->pid())));
  EXPECT_EQ(json_of(second.out)["error"]["code"], "busy");
  EXPECT_EQ(end(*first).exit_code, 0);
}

TEST_F(Record, WithWaitItTakesOverOnceTheFirstIsGone) {
  const auto first = recorder();
  Command second(domain(), record_words({"--wait"}));
  ASSERT_EQ(publish(lines(0, 10)).exit_code, 0);
  first->send(SIGKILL);
  first->finish();
  ASSERT_TRUE(second.hear(1));
  ASSERT_EQ(publish(lines(10, 20)).exit_code, 0);
  EXPECT_EQ(end(second).exit_code, 0);
  EXPECT_EQ(replayed(), lines(0, 20));
}

TEST_F(Record, AWaitCanBeGivenUp) {
  const auto first = recorder();
  Command second(domain(), record_words({"--wait"}));
  usleep(200'000);  // wherever it is by now, Ctrl-C ends it
  second.send(SIGINT);
  EXPECT_EQ(second.finish().exit_code, 0);
  EXPECT_EQ(end(*first).exit_code, 0);
}

TEST_F(Record, APlainChannelIsWrittenDownAsItPassesBy) {
  ASSERT_EQ(run({"pub", "c"}, "before\n").exit_code, 0);
  const auto recording = recorder({});
  ASSERT_EQ(run({"pub", "c"}, lines(0, 100)).exit_code, 0);
  const auto report = json_of(end(*recording).out);
  EXPECT_TRUE(report["ok"]) << report;
  EXPECT_THAT(replayed(), HasSubstr(lines(0, 100)));
}

TEST_F(Record, EndsByItselfAfterSomeSeconds) {
  const Outcome said = run(record_words({"--durable", "--seconds", "0.1"}));
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_FALSE(json_of(said.out)["interrupted"].get<bool>());
}

TEST_F(Record, TellsPeopleWhatItDoes) {
  const Outcome said = run({"record", "c", "--durable", "--journal", journal(), "--seconds", "0.1",
                            "--retain", "64M", "--retain", "24h", "--segment", "1M"});
  EXPECT_EQ(said.exit_code, 0) << said.err;
  for (const char* part : {"journal  ", "a new journal was made", "the newest 64 MiB",
                           "nothing older than", "recorded 0 messages"})
    EXPECT_THAT(said.err, HasSubstr(part));
}

class RecordRefuses : public JournalCommandTest {};

TEST_F(RecordRefuses, AChannelThatIsNotThere) {
  ASSERT_EQ(run({"pub", "other"}, "a\n").exit_code, 0);
  expect_refused(run({"record", "c", "--journal", journal()}), "--durable makes it");
  EXPECT_FALSE(std::filesystem::exists(journal()));
}

TEST_F(RecordRefuses, AFileSystemInMemory) {
  const std::string memory = scratch_ / "journal";
  const Outcome said = run({"record", "c", "--durable", "--journal", memory});
  expect_refused(said, "tmpfs");
  EXPECT_FALSE(has_channel("c"));
  EXPECT_EQ(run({"record", "c", "--durable", "--journal", memory, "--volatile", "--seconds", "0.1",
                 "--segment", "1M"})
                .exit_code,
            0);
}

TEST_F(RecordRefuses, AFileInPlaceOfADirectory) {
  std::ofstream(journal()) << "no journal\n";
  expect_refused(run({"record", "c", "--durable", "--journal", journal()}), "journal");
  EXPECT_FALSE(has_channel("c"));
}

TEST_F(RecordRefuses, WordsThatMakeNoSense) {
  const auto expect = [this](std::vector<std::string> more, const std::string& part) {
    std::vector<std::string> words{"record", "c", "--durable", "--journal", journal()};
    words.insert(words.end(), more.begin(), more.end());
    expect_refused(run(words), part);
    EXPECT_FALSE(std::filesystem::exists(journal())) << part;
    EXPECT_FALSE(has_channel("c")) << part;
  };
  expect({"--retain", "much"}, "much");
  expect({"--retain", "10m"}, "10m");
  expect({"--segment", "4K"}, "4K");
  expect({"--segment", "2G"}, "2G");
  expect({"--depth", "9"}, "1, 2, 3 or 4");
  expect({"--when-journal-fails", "panic"}, "panic");
  expect({"--retain", "2M", "--segment", "1M"}, "three segments");
  expect_refused(run({"record", "--journal", journal()}), "CHANNEL");
  expect_refused(run({"record", "c"}), "--journal");
  expect_refused(run({"record", "a/b", "--journal", journal()}), "a/b");
}

TEST_F(RecordRefuses, AChannelThatAnotherJournalKeeps) {
  {
    const auto recording = recorder();
    EXPECT_EQ(end(*recording).exit_code, 0);
  }
  const std::string other = disk_ / "other";
  const Outcome said = run({"record", "c", "--journal", other});
  expect_refused(said, journal());
}

TEST_F(RecordRefuses, ADirectoryWithoutPermission) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  std::filesystem::create_directory(journal());
  chmod(journal().c_str(), 0700);
  chmod(disk_.path().c_str(), 0755);
  chmod(scratch_.path().c_str(), 0777);
  const auto child = run_in_child([this]() -> std::string {
    if (!become_nobody()) return "cannot become nobody";
    const Outcome said = run({"record", "c", "--durable", "--journal", journal()});
    return said.exit_code == 2 && said.err.starts_with("millrace: ") ? ""
                                                                     : "not refused: " + said.err;
  });
  EXPECT_EQ(child.said, "");
  EXPECT_TRUE(std::filesystem::is_empty(journal()));
}

TEST_F(RecordRefuses, AFullDiskAtTheStart) {
  const auto child = run_in_child([this]() -> std::string {
    LoopMount small({.type = "ext4", .bytes = std::uint64_t{16} << 20});
    if (!small.ok()) return "skip: " + small.why_not();
    const Outcome said =
        run({"record", "c", "--durable", "--journal", small / "journal", "--segment", "8M"});
    if (said.exit_code != 2 || std::count(said.err.begin(), said.err.end(), '\n') != 1) {
      return "exit code " + std::to_string(said.exit_code) + ": " + said.err;
    }
    return has_channel("c") ? "a channel was left behind" : "";
  });
  if (child.said.starts_with("skip")) GTEST_SKIP() << child.said;
  EXPECT_EQ(child.said, "");
}

TEST_F(RecordRefuses, AReadOnlyDisk) {
  const auto child = run_in_child([this]() -> std::string {
    LoopMount disk({.type = "ext4", .bytes = std::uint64_t{64} << 20});
    if (!disk.ok()) return "skip: " + disk.why_not();
    const Outcome made = run({"record", "c", "--durable", "--journal", disk / "journal",
                              "--segment", "1M", "--seconds", "0.1"});
    if (made.exit_code != 0) return "cannot be made: " + made.err;
    // The kernel lets go of a ring's files a moment after its process has ended.
    const bool read_only = eventually([&] {
      return mount(nullptr, disk.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
    });
    if (!read_only) return "cannot be made read-only";
    const Outcome said = run({"record", "c", "--journal", disk / "journal"});
    if (said.exit_code != 2 || said.err.find("ead-only") == std::string::npos) {
      return "exit code " + std::to_string(said.exit_code) + ": " + said.err;
    }
    // Reading it is no harm.
    const Outcome listed = run({"journal", "ls", disk / "journal"});
    return listed.exit_code == 0 ? "" : "cannot be listed: " + listed.err;
  });
  if (child.said.starts_with("skip")) GTEST_SKIP() << child.said;
  EXPECT_EQ(child.said, "");
}

}  // namespace
}  // namespace millrace::testing_support
