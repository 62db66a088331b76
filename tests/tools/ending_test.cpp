// The command ends when it is asked to, in good order: nothing of it stays in the domain.
#include "command_fixture.hpp"

namespace millrace::testing_support {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Ending : public CommandTest {};

TEST_F(Ending, APublisherThatWaitsForInputObeysEverySignal) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Command publisher(domain(), {"pub", "c", "--json"});
    ASSERT_TRUE(publisher.say("whole\nhalf a li"));
    ASSERT_TRUE(eventually([&] {
      return run({"sub", "c", "--from", "oldest", "--timeout", "60", "--count", "1"}).exit_code ==
             0;
    }));
    publisher.send(signal);
    const Outcome got = publisher.finish("ne that nobody wanted\n");
    EXPECT_EQ(got.exit_code, 0) << got.err;
    EXPECT_EQ(json_of(got.out)["published"], 1);
    EXPECT_EQ(json_of(got.out)["interrupted"], true);
    EXPECT_THAT(names("participants"), IsEmpty());
    ASSERT_EQ(run({"clean", "c"}).exit_code, 0);
  }
}

TEST_F(Ending, APublisherThatWaitsForAReaderObeysCtrlC) {
  Command reader(domain(), {"sub", "c", "--timeout", "60"});
  Command publisher(domain(), {"pub", "c", "--ring", "4K", "--readers", "1", "--repeat", "1000000",
                               "--input", file("input", "some words to fill the ring\n")});
  ASSERT_TRUE(reader.hear(1));
  reader.send(SIGSTOP);
  ASSERT_TRUE(eventually([&] {
    const auto stat = json_of(run({"stat", "c", "--json", "--interval", "0"}).out);
    return !stat["lanes"][0]["blocked_on"].is_null();
  }));
  publisher.send(SIGINT);
  EXPECT_EQ(publisher.finish().exit_code, 0);
  reader.send(SIGCONT);
  reader.send(SIGINT);
  EXPECT_EQ(reader.finish().exit_code, 0);
  EXPECT_THAT(names("participants"), IsEmpty());
  EXPECT_THAT(names("c/readers"), IsEmpty());
}

TEST_F(Ending, ASubscriberThatWaitsObeysEverySignal) {
  ASSERT_EQ(run({"pub", "c"}, "a\n").exit_code, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Command subscriber(domain(), {"sub", "c"});
    ASSERT_TRUE(eventually([&] { return has_reader("c"); }));
    subscriber.send(signal);
    const Outcome got = subscriber.finish();
    EXPECT_EQ(got.exit_code, 0) << got.err;
    EXPECT_THAT(got.err, HasSubstr("received 0 messages"));
    EXPECT_THAT(names("c/readers"), IsEmpty());
    EXPECT_THAT(names("participants"), IsEmpty());
  }
}

TEST_F(Ending, ASubscriberWhoseReaderHasEnoughEndsEvenIfNothingMoreComes) {
  Command publisher(domain(), {"pub", "c", "--readers", "1"});
  Command subscriber(domain(), {"sub", "c", "--timeout", "60"});
  ASSERT_TRUE(publisher.say("first\n"));
  ASSERT_TRUE(subscriber.hear(6));
  subscriber.stop_listening();
  EXPECT_EQ(subscriber.finish().exit_code, 0);
  EXPECT_EQ(publisher.finish().exit_code, 0);
  EXPECT_THAT(names("c/readers"), IsEmpty());
}

TEST_F(Ending, ASubscriberInAPipelineEndsWithItsReader) {
  std::string flood;
  for (int line = 0; line < 200'000; ++line)
    flood += "line " + std::to_string(line) + "\n";
  const std::string path = file("input", flood);
  const std::string words = MILLRACE_BIN_DIR "/millrace pub c --readers 1 --input " + path +
                            " 2>&1 & set -o pipefail; " MILLRACE_BIN_DIR
                            "/millrace sub c --timeout 60 | head -n 1; code=$?; wait; exit $code";
  Command shell(domain(), "/bin/bash", {"-c", words});
  const Outcome got = shell.finish();
  EXPECT_EQ(got.exit_code, 0) << got.err;
  EXPECT_THAT(got.out, HasSubstr("line 0\n"));
  EXPECT_THAT(got.out, HasSubstr("published 200000 messages"));
  EXPECT_THAT(names("c/readers"), IsEmpty());
  EXPECT_THAT(names("participants"), IsEmpty());
}

TEST_F(Ending, WithoutAMessageInTimeIsNotGood) {
  ASSERT_EQ(run({"pub", "c"}, "a\n").exit_code, 0);
  EXPECT_EQ(run({"sub", "c", "--timeout", "0.05"}).exit_code, 1);
  EXPECT_EQ(run({"sub", "c", "--from", "oldest", "--timeout", "0.05"}).exit_code, 0);
  EXPECT_EQ(run({"sub", "c", "--from", "oldest", "--timeout", "0.05", "--count", "2"}).exit_code,
            1);
}

TEST_F(Ending, AFullDiskIsSaid) {
  ASSERT_EQ(run({"pub", "c"}, "a\n").exit_code, 0);
  const std::string words =
      MILLRACE_BIN_DIR "/millrace sub c --from oldest --until-closed > /dev/full";
  const Outcome got = Command(domain(), "/bin/bash", {"-c", words}).finish();
  EXPECT_EQ(got.exit_code, 2);
  EXPECT_THAT(got.err, HasSubstr("cannot write to standard output"));
}

}  // namespace
}  // namespace millrace::testing_support
