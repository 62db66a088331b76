// Whatever is typed wrong, or not there, is one clear sentence, exit code 2, and leaves nothing.
#include "run_fixture.hpp"
#include "support/child_process.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/mount.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::Outcome;

class RunRefuses : public testing_support::RunFixture {
 protected:
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(directory / name, std::ios::binary) << content;
  }

  static void expect_one_sentence(const Outcome& said, const std::string& part) {
    EXPECT_EQ(said.exit_code, 2) << said.out << said.err;
    EXPECT_TRUE(said.err.starts_with("millrace: ")) << said.err;
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
    EXPECT_NE(said.err.find(part), std::string::npos) << said.err;
    EXPECT_TRUE(said.out.empty()) << said.out;
  }

  void expect(std::vector<std::string> arguments, const std::string& part) const {
    arguments.insert(arguments.begin(), "run");
    expect_one_sentence(millrace(arguments), part);
    EXPECT_FALSE(std::filesystem::exists(domain)) << part;
  }
};

TEST_F(RunRefuses, InputThatCannotBeReplayed) {
  write("empty", "");
  expect({"--input", directory / "nowhere"}, "nowhere");
  expect({"--input", directory.path()}, "is a directory");
  expect({"--input", directory / "empty"}, "is empty");
  expect({"--input", "-"}, "stdin is empty");
  expect({"--input", ""}, "--input");
}

TEST_F(RunRefuses, ALineThatNoMessageOfTheRingCanHold) {
  write("long", "short\n" + std::string(2000, 'x') + "\nshort\n");
  expect({"--input", directory / "long", "--ring", "4096"}, "line 2 of ");
  expect({"--input", directory / "long", "--ring", "4096"}, "--ring 8192");
  // The advice holds.
  EXPECT_EQ(millrace({"run", "--input", directory / "long", "--ring", "8192"}).exit_code, 0);
}

TEST_F(RunRefuses, NumbersThatMakeNoSense) {
  write("lines", "a\nb\n");
  const std::string input = directory / "lines";
  expect({"--ring", "1000"}, "1000");
  expect({"--ring", "many"}, "many");
  expect({"--publishers", "0"}, "--publishers");
  expect({"--publishers", "257"}, "257");
  expect({"--publishers", "-1"}, "-1");
  expect({"--subscribers", "x"}, "--subscribers");
  expect({"--subscribers", "100000"}, "100000");
  expect({"--rate", "0"}, "--rate");
  expect({"--rate", "-5"}, "--rate");
  expect({"--seconds", "0"}, "--seconds");
  expect({"--seconds", "soon"}, "soon");
  expect({"--input", input, "--repeat", "0"}, "--repeat");
  expect({"--repeat", "2"}, "--repeat");
}

TEST_F(RunRefuses, WordsItDoesNotKnow) {
  expect({"--policy", "maybe"}, "maybe");
  expect({"--wait", "never"}, "never");
  expect({"extra"}, "extra");
  expect({"--colour"}, "--colour");
  expect({"--role", "publisher"}, "millrace run");
}

TEST_F(RunRefuses, InJsonToo) {
  const Outcome said = millrace({"run", "--json", "--input", directory / "nowhere"});
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_FALSE(json_of(said).value("ok", true));
  EXPECT_FALSE(json_of(said)["error"]["sentence"].get<std::string>().empty());
}

TEST_F(RunRefuses, ADomainThatIsNone) {
  write("file", "no directory\n");
  expect({"--dir", directory / "file"}, "not a directory");
  expect({"--dir", directory / "not/there"}, "not");
}

TEST_F(RunRefuses, ADirectoryWithoutPermission) {
  const std::filesystem::path locked = directory / "locked";
  std::filesystem::create_directory(locked);
  std::filesystem::permissions(locked, std::filesystem::perms{0555});
  const std::string place = (locked / "domain").string();
  const auto outcome = testing_support::run_in_child([&]() -> std::string {
    if (geteuid() == 0 && !testing_support::become_nobody()) return "cannot give up root";
    const Outcome said = millrace({"run", "--dir", place});
    return said.exit_code == 2 ? said.err : "exit code " + std::to_string(said.exit_code);
  });
  EXPECT_TRUE(outcome.said.starts_with("millrace: ")) << outcome.said;
  EXPECT_NE(outcome.said.find("locked"), std::string::npos) << outcome.said;
  EXPECT_TRUE(std::filesystem::is_empty(locked));
}

TEST_F(RunRefuses, AClockOfAnotherVersion) {
  write("lines", "a\n");
  const std::vector<std::string> arguments{"run", "--input", directory / "lines"};
  ASSERT_EQ(millrace(arguments).exit_code, 0);
  std::filesystem::path clock;
  for (const auto& entry : std::filesystem::directory_iterator(domain)) {
    if (entry.path().filename().string().starts_with("clock-")) clock = entry.path();
  }
  ASSERT_FALSE(clock.empty());
  std::string bytes(std::filesystem::file_size(clock), '\x5a');
  std::ofstream(clock, std::ios::binary) << bytes;
  expect_one_sentence(millrace(arguments), "clock");
  for (const auto& entry : std::filesystem::directory_iterator(domain)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("run-")) << entry.path();
  }
}

TEST_F(RunRefuses, AFullFileSystem) {
  const auto outcome = testing_support::run_in_child([&]() -> std::string {
    if (!testing_support::leave_mount_namespace()) return "skip";
    const std::string small = directory / "small";
    std::filesystem::create_directory(small);
    if (mount("none", small.c_str(), "tmpfs", 0, "size=256k") != 0) return "skip";
    const Outcome said = testing_support::run(small, {"run", "--ring", "1M", "--seconds", "0.1"});
    if (said.exit_code != 2 || std::count(said.err.begin(), said.err.end(), '\n') != 1) {
      return "exit code " + std::to_string(said.exit_code) + ": " + said.err;
    }
    if (said.err.find("MiB free") == std::string::npos) return said.err;
    return std::filesystem::is_empty(small) ? "" : "something stayed behind";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "mounting is forbidden here";
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(outcome.exit_code, 0);
}

}  // namespace
}  // namespace millrace
