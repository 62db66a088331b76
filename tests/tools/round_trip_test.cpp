// What goes in through `pub` comes out of `sub`, byte for byte.
#include "command_fixture.hpp"

#include <thread>

namespace millrace::testing_support {
namespace {

using ::testing::HasSubstr;

class RoundTrip : public CommandTest {
 protected:
  // Publishes `input` while a subscriber is there; returns what the subscriber did.
  Outcome pass(std::string_view input, std::vector<std::string> pub, std::vector<std::string> sub) {
    sub.insert(sub.begin(), {"sub", "c", "--until-closed", "--timeout", "60"});
    pub.insert(pub.begin(), {"pub", "c", "--readers", "1"});
    Command subscriber(domain(), sub);
    Command publisher(domain(), pub);
    // Both ends at once: what one of them says and nobody hears would stop them both.
    std::thread feeding([&] { published_ = publisher.finish(input); });
    const Outcome got = subscriber.finish();
    feeding.join();
    EXPECT_EQ(published_.exit_code, 0) << published_.err;
    return got;
  }

  Outcome published_;
};

std::string frame(std::string_view bytes) {
  std::string text;
  for (unsigned shift = 0; shift < 32; shift += 8)
    text += static_cast<char>(bytes.size() >> shift);
  return text + std::string(bytes);
}

TEST_F(RoundTrip, FramesCarryAnyBytesThroughPipes) {
  const std::string bytes = noise(1 << 20);
  std::string frames;
  for (std::size_t at = 0, length = 0; at < bytes.size(); at += length, length = length * 3 + 1) {
    if (length > 5000) length = 0;
    frames += frame(std::string_view(bytes).substr(at, length));
    if (length == 0) length = 1;
  }
  const Outcome got =
      pass(frames, {"--input", "-", "--format", "frames", "--ring", "64K"}, {"--format", "frames"});
  EXPECT_EQ(got.exit_code, 0) << got.err;
  EXPECT_TRUE(got.out == frames);
}

TEST_F(RoundTrip, PiecesOfFixedLengthCarryAnyBytes) {
  const std::string bytes = noise(300'001);
  const Outcome got = pass(bytes, {"--format", "bytes:1K"}, {"--format", "bytes"});
  EXPECT_EQ(got.exit_code, 0) << got.err;
  EXPECT_TRUE(got.out == bytes);
}

TEST_F(RoundTrip, LinesStayLinesAlsoTheEmptyAndTheLast) {
  const Outcome got = pass("one\n\nthree\r\nlast without newline", {}, {});
  EXPECT_EQ(got.out, "one\n\nthree\r\nlast without newline\n");
}

TEST_F(RoundTrip, RealQuotesArriveAsTheyAre) {
  const std::string path = MILLRACE_SOURCE_DIR "/../shared/data/aapl-2012-06-21-quotes.csv";
  std::ifstream file(path, std::ios::binary);
  if (!file) GTEST_SKIP() << "the quotes are not there: " << path;
  const std::string quotes((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
  const Outcome got = pass({}, {"--input", path, "--format", "csv"}, {});
  EXPECT_EQ(got.exit_code, 0) << got.err;
  EXPECT_TRUE(got.out == quotes);
}

TEST_F(RoundTrip, CsvLeavesOutAHeaderAndKeepsQuotedNewlines) {
  const Outcome got = pass("time,text\n1,\"a\nb, c\"\n\n2,d\n", {"--format", "csv"}, {});
  EXPECT_EQ(got.out, "1,\"a\nb, c\"\n2,d\n");
  EXPECT_THAT(published_.err, HasSubstr("header"));
}

TEST_F(RoundTrip, NdjsonLeavesOutEmptyLines) {
  EXPECT_EQ(pass("{\"a\":1}\n\n[2]\n", {"--format", "ndjson"}, {}).out, "{\"a\":1}\n[2]\n");
}

TEST_F(RoundTrip, APipeCanBeRepeated) {
  EXPECT_EQ(pass("a\nb\n", {"--repeat", "3"}, {}).out, "a\nb\na\nb\na\nb\n");
}

TEST_F(RoundTrip, AFileCanBeRepeatedUpToACount) {
  const std::string path = file("input", "a\nb\n");
  EXPECT_EQ(pass({}, {"--input", path, "--repeat", "9", "--count", "5"}, {}).out,
            "a\nb\na\nb\na\n");
}

TEST_F(RoundTrip, JsonTellsWhereAMessageStandsAndWritesOtherBytesInBase64) {
  const Outcome got = pass("gr\xc3\xbc\xc3\x9f\n\xff\xfe\n", {"--key", "0x102"}, {"--json"});
  const std::size_t line = got.out.find('\n') + 1;
  const auto text = json_of(got.out.substr(0, line));
  const auto bytes = json_of(got.out.substr(line));
  EXPECT_EQ(text["text"], "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(text["key"], 0x102);
  EXPECT_EQ(text["sequence"], 0);
  EXPECT_EQ(text["lane"], 0);
  EXPECT_EQ(bytes["bytes"], "//4=");
  EXPECT_EQ(bytes["sequence"], 1);
  const auto summary = json_of(got.err);
  EXPECT_EQ(summary["received"], 2);
  EXPECT_EQ(summary["lost"], 0);
  EXPECT_EQ(summary["ok"], true);
}

TEST_F(RoundTrip, HexShowsEveryByte) {
  EXPECT_EQ(pass("a\xff\n", {}, {"--format", "hex"}).out, "61ff\n");
}

TEST_F(RoundTrip, NoneOnlyCounts) {
  const Outcome got = pass("a\nb\n", {}, {"--format", "none"});
  EXPECT_EQ(got.out, "");
  EXPECT_THAT(got.err, HasSubstr("received 2 messages"));
}

TEST_F(RoundTrip, APublisherSaysWhatItDid) {
  const auto said = json_of(run({"pub", "c", "--json"}, "one\ntwo\n").out);
  EXPECT_EQ(said["ok"], true);
  EXPECT_EQ(said["published"], 2);
  EXPECT_EQ(said["bytes"], 6);
  EXPECT_EQ(said["unheard"], 2);
}

TEST_F(RoundTrip, WhatWasPublishedBeforeIsReadFromTheOldestOrFromASequence) {
  ASSERT_EQ(run({"pub", "c"}, "a\nb\nc\nd\n").exit_code, 0);
  EXPECT_EQ(run({"sub", "c", "--from", "oldest", "--until-closed"}).out, "a\nb\nc\nd\n");
  EXPECT_EQ(run({"sub", "c", "--from", "2", "--count", "1"}).out, "c\n");
}

TEST_F(RoundTrip, AKeyFilterPassesOnlyItsKey) {
  ASSERT_EQ(run({"pub", "c", "--key", "5"}, "five\n").exit_code, 0);
  ASSERT_EQ(run({"pub", "c", "--key", "6"}, "six\n").exit_code, 0);
  EXPECT_EQ(run({"sub", "c", "--from", "oldest", "--until-closed", "--key", "6"}).out, "six\n");
  EXPECT_EQ(run({"sub", "c", "--from", "oldest", "--until-closed", "--key", "4/0xfff4"}).out.size(),
            9U);
}

TEST_F(RoundTrip, ANameThatComesBackContinuesItsLane) {
  ASSERT_EQ(run({"pub", "c", "--name", "feed"}, "a\n").exit_code, 0);
  const auto said = json_of(run({"pub", "c", "--name", "feed", "--json"}, "b\n").out);
  EXPECT_EQ(said["lane"], 0);
  EXPECT_EQ(run({"sub", "c", "--from", "1", "--until-closed"}).out, "b\n");
}

TEST_F(RoundTrip, ARateIsNeverExceeded) {
  const auto said = json_of(
      run({"pub", "c", "--rate", "100", "--count", "21", "--repeat", "99", "--json"}, "a\n").out);
  EXPECT_EQ(said["published"], 21);
  EXPECT_GE(said["seconds"].get<double>(), 0.2);
}

TEST_F(RoundTrip, AReaderThatWasOvertakenSaysSoAndEndsWithOne) {
  std::string flood;
  for (int line = 0; line < 5000; ++line)
    flood += "message " + std::to_string(line) + "\n";
  for (const bool allowed : {false, true}) {
    const std::string channel = allowed ? "allowed" : "lossy";
    ASSERT_EQ(run({"pub", channel, "--policy", "lossy", "--ring", "4K"}, "first\n").exit_code, 0);
    std::vector<std::string> words = {"sub",    channel,     "--from", "oldest",
                                      "--json", "--timeout", "0.5"};
    if (allowed) words.push_back("--lossy");
    Command subscriber(domain(), words);
    ASSERT_TRUE(subscriber.hear(1));
    subscriber.send(SIGSTOP);
    ASSERT_EQ(run({"pub", channel}, flood).exit_code, 0);
    ASSERT_EQ(run({"pub", channel}, flood).exit_code, 0);
    subscriber.send(SIGCONT);
    const Outcome got = subscriber.finish();
    const auto summary = json_of(got.err);
    EXPECT_EQ(got.exit_code, allowed ? 0 : 1) << got.err;
    EXPECT_GT(summary["lost"], 0);
    EXPECT_EQ(summary["received"].get<int>() + summary["lost"].get<int>(), 10'001);
  }
}

}  // namespace
}  // namespace millrace::testing_support
