// Whatever may be typed wrong is one sentence and exit code 2, and nothing is left behind.
#include "../support/child_process.hpp"
#include "command_fixture.hpp"

#include <sys/mount.h>

namespace millrace::testing_support {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class WrongUse : public CommandTest {
 protected:
  // Refused, in one line that contains `hint`, on stderr or with --json on stdout.
  void expect_refusal(std::vector<std::string> words, const std::string& hint,
                      std::string_view input = {}) const {
    const Outcome got = run(words, input);
    EXPECT_EQ(got.exit_code, 2) << got.err;
    EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 1) << got.err;
    EXPECT_THAT(got.err, StartsWith("millrace: "));
    EXPECT_THAT(got.err, HasSubstr(hint));
    words.push_back("--json");
    const Outcome spoken = run(words, input);
    EXPECT_EQ(spoken.exit_code, 2);
    const auto answer = json_of(spoken.out + spoken.err);
    EXPECT_EQ(answer["ok"], false);
    EXPECT_THAT(answer["error"]["sentence"].get<std::string>(), HasSubstr(hint));
    EXPECT_FALSE(answer["error"]["code"].get<std::string>().empty());
  }
};

TEST_F(WrongUse, OfTheCommandItself) {
  expect_refusal({"publish"}, "there is no verb \"publish\"");
  expect_refusal({"--loud"}, "there is no option \"--loud\"");
  expect_refusal({"pub"}, "CHANNEL is required");
  expect_refusal({"pub", "c", "--loud"}, "\"--loud\" is not known");
  expect_refusal({"ls", "c"}, "\"c\" is not known");
  EXPECT_THAT(run({"sub", "c", "--count"}).err, HasSubstr("--count needs a value"));
  EXPECT_FALSE(std::filesystem::exists(domain()));
}

TEST_F(WrongUse, NoVerbShowsTheHelpAndFails) {
  const Outcome got = run({});
  EXPECT_EQ(got.exit_code, 2);
  EXPECT_THAT(got.err, HasSubstr("doctor"));
}

TEST_F(WrongUse, HelpAndVersionAreGood) {
  EXPECT_THAT(run({"--version"}).out, StartsWith("millrace "));
  for (const char* verb : {"pub", "sub", "ls", "stat", "top", "doctor", "clean"}) {
    const Outcome got = run({verb, "--help"});
    EXPECT_EQ(got.exit_code, 0);
    EXPECT_THAT(got.out, HasSubstr("Exit codes: 0")) << verb;
    EXPECT_THAT(got.out, HasSubstr("--json")) << verb;
  }
}

TEST_F(WrongUse, OfNumbersAndWords) {
  expect_refusal({"pub", "c", "--ring", "12x"}, "no size");
  expect_refusal({"pub", "c", "--ring", "3K"}, "power of two");
  expect_refusal({"pub", "c", "--ring", "99999999999999999999"}, "no size");
  expect_refusal({"pub", "c", "--ring", "16777216G"}, "power of two");
  expect_refusal({"pub", "c", "--count", "-1"}, "no count");
  expect_refusal({"pub", "c", "--count", "0"}, "too few");
  expect_refusal({"pub", "c", "--repeat", "0"}, "too few");
  expect_refusal({"pub", "c", "--rate", "0"}, "no rate");
  expect_refusal({"pub", "c", "--rate", "nan"}, "no rate");
  expect_refusal({"pub", "c", "--format", "xml"}, "no format");
  expect_refusal({"pub", "c", "--format", "bytes:0"}, "no format");
  expect_refusal({"pub", "c", "--policy", "drop"}, "block, evict, lossy");
  expect_refusal({"pub", "c", "--wait", "never"}, "is not one of");
  expect_refusal({"pub", "c", "--key", "65536"}, "no key");
  expect_refusal({"pub", "c", "--name", ""}, "1 to 63");
  expect_refusal({"sub", "c", "--from", "then"}, "oldest, now, a sequence");
  expect_refusal({"sub", "c", "--timeout", "-1"}, "no duration");
  expect_refusal({"sub", "c", "--key", "2/1"}, "passes nothing");
  expect_refusal({"top", "--interval", "0"}, "more than 0");
  for (const char* name : {"", "a b", ".hidden", "../c", "a/b"})
    expect_refusal({"pub", name}, "channel name");
  EXPECT_FALSE(std::filesystem::exists(domain()));
}

TEST_F(WrongUse, OfInputs) {
  expect_refusal({"pub", "c", "--input", scratch_ / "missing"}, "missing");
  expect_refusal({"pub", "c", "--input", scratch_.path()}, "is a directory");
  const std::string ragged = file("ragged", "1,2\n1,2,3\n");
  expect_refusal({"pub", "c", "--input", ragged, "--format", "csv"}, "row 2");
  const std::string broken = file("broken", "{}\n{\n");
  expect_refusal({"pub", "c", "--input", broken, "--format", "ndjson"}, "line 2");
  const std::string cut = file("cut", std::string("\1\0\0\0a\5\0\0\0b", 10));
  expect_refusal({"pub", "c", "--input", cut, "--format", "frames"}, "frame 2");
  const std::string wide = file("wide", "short\n" + std::string(2000, 'x') + "\n");
  expect_refusal({"pub", "c", "--input", wide, "--ring", "4K"}, "line 2");
  EXPECT_FALSE(std::filesystem::exists(domain()));
}

TEST_F(WrongUse, OfAPipeLeavesNoChannelEither) {
  expect_refusal({"pub", "c", "--ring", "4K"}, "--ring 8192", std::string(2000, 'x') + "\n");
  expect_refusal({"pub", "c", "--format", "ndjson"}, "line 1", "no json\n");
  EXPECT_FALSE(has_channel("c"));
}

TEST_F(WrongUse, OfAMessageThatAnExistingRingCannotTake) {
  ASSERT_EQ(run({"pub", "c", "--ring", "4K"}, "a\n").exit_code, 0);
  const std::string wide = file("wide", std::string(2000, 'x') + "\n");
  expect_refusal({"pub", "c", "--input", wide}, "at most");
  expect_refusal({"pub", "c", "--ring", "8K"}, "ring size");
}

TEST_F(WrongUse, OfNamesThatAreNotThere) {
  for (const std::string verb : {"ls", "top", "clean"})
    expect_refusal({verb}, "no domain");
  expect_refusal({"stat", "c"}, "no domain");
  ASSERT_EQ(run({"pub", "other"}, "a\n").exit_code, 0);
  expect_refusal({"stat", "c"}, "\"c\"");
  expect_refusal({"sub", "c"}, "--timeout");
  expect_refusal({"sub", "c", "--timeout", "0.05"}, "\"c\"");
  expect_refusal({"clean", "c"}, "\"c\"");
  EXPECT_FALSE(has_channel("c"));
}

TEST_F(WrongUse, OfANameThatALivingPublisherHas) {
  Command first(domain(), {"pub", "c", "--name", "feed"});
  ASSERT_TRUE(first.say("a\n"));
  ASSERT_EQ(run({"sub", "c", "--from", "oldest", "--timeout", "60", "--count", "1"}).exit_code, 0);
  expect_refusal({"pub", "c", "--name", "feed"}, "feed", "b\n");
  EXPECT_EQ(first.finish().exit_code, 0);
}

TEST_F(WrongUse, OfAChannelOfAnotherVersion) {
  ASSERT_EQ(run({"pub", "c"}, "a\n").exit_code, 0);
  std::fstream meta(domain() + "/c/meta", std::ios::binary | std::ios::in | std::ios::out);
  meta.seekp(8);  // the major number of the format, behind the magic
  meta.put('\x7f');
  meta.close();
  expect_refusal({"pub", "c"}, "format", "b\n");
  expect_refusal({"sub", "c", "--timeout", "1"}, "format");
  expect_refusal({"stat", "c"}, "format");
  const Outcome list = run({"ls", "--json"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_EQ(json_of(list.out)["channels"][0]["error"]["code"], "format");
}

TEST_F(WrongUse, OfADirectoryWithoutPermission) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  std::filesystem::create_directory(domain());
  chmod(domain().c_str(), 0700);
  chmod(scratch_.path().c_str(), 0755);
  const auto child = run_in_child([this]() -> std::string {
    if (!become_nobody()) return "cannot become nobody";
    const Outcome got = run({"pub", "c"}, "a\n");
    return got.exit_code == 2 && got.err.starts_with("millrace: ") ? "" : "not refused: " + got.err;
  });
  EXPECT_EQ(child.said, "");
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(WrongUse, OfMoreMemoryThanThereIs) {
  std::filesystem::create_directory(domain());
  const auto child = run_in_child([this]() -> std::string {
    if (!leave_mount_namespace()) return "skip";
    if (mount("none", domain().c_str(), "tmpfs", 0, "size=1m,mode=0700") != 0) return "skip";
    const Outcome got = run({"pub", "c", "--ring", "8M"}, "a\n");
    if (got.exit_code != 2 || got.err.find("free") == std::string::npos) {
      return "not refused: " + got.err;
    }
    if (has_channel("c")) return "a channel was left behind";
    const Outcome small = run({"pub", "c", "--ring", "64K"}, "a\n");
    return small.exit_code == 0 ? "" : "a smaller ring was refused: " + small.err;
  });
  if (child.said == "skip") GTEST_SKIP() << "mounting is forbidden here";
  EXPECT_EQ(child.said, "");
}

}  // namespace
}  // namespace millrace::testing_support
