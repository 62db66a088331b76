// What tests of journals share: a domain in memory, a journal on a real disk, and recorders.
#pragma once

#include "command_fixture.hpp"
#include "support/disk_scratch.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace millrace::testing_support {

class JournalCommandTest : public CommandTest {
 protected:
  void SetUp() override {
    if (disk_.path().empty()) GTEST_SKIP() << "every directory here is in memory";
  }

  [[nodiscard]] std::string journal() const { return disk_ / "journal"; }

  // The words of `record` for the channel c with small segments.
  [[nodiscard]] std::vector<std::string> record_words(std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"record",    "c",  "--journal", journal(),
                                   "--segment", "1M", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // A recorder that is in place when this returns.
  [[nodiscard]] std::unique_ptr<Command> recorder(std::vector<std::string> more = {
                                                      "--durable"}) const {
    auto started = std::make_unique<Command>(domain(), record_words(std::move(more)));
    EXPECT_TRUE(eventually([&] { return started->hear(1); }));
    // Its first word may also be a refusal, after which nobody would make anything durable.
    EXPECT_TRUE(eventually([this] {
      const auto held = json_of(run({"journal", "stat", journal(), "--json"}).out);
      return held.contains("holder") && held["holder"].is_object();
    }));
    return started;
  }

  // Ends it in good order.
  static Outcome end(Command& recorder) {
    recorder.send(SIGTERM);
    return recorder.finish();
  }

  // Publishes lines as `name`, and waits until they are on disk.
  [[nodiscard]] Outcome publish(const std::string& text, const std::string& name = "gate") const {
    return run({"pub", "c", "--name", name, "--durable", "--group", "1000", "--json"}, text);
  }

  // Everything the journal holds, as lines.
  [[nodiscard]] std::string replayed(std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"replay", "--journal", journal()};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome said = run(words);
    EXPECT_EQ(said.exit_code, 0) << said.err;
    return said.out;
  }

  static std::string lines(int from, int to) {
    std::string text;
    for (int line = from; line < to; ++line)
      text += "line " + std::to_string(line) + "\n";
    return text;
  }

  // One sentence on stderr, exit code 2, nothing on stdout.
  static void expect_refused(const Outcome& said, const std::string& part) {
    EXPECT_EQ(said.exit_code, 2) << said.out << said.err;
    EXPECT_TRUE(said.err.starts_with("millrace: ")) << said.err;
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
    EXPECT_NE(said.err.find(part), std::string::npos) << said.err;
    EXPECT_TRUE(said.out.empty()) << said.out;
  }

  // Names and contents of the journal's directory, to see that nothing has changed; but for the
  // file that names who last had its lock.
  [[nodiscard]] std::string fingerprint() const {
    std::vector<std::string> all;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(journal(), ignored)) {
      if (entry.path().filename() == "lock") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      all.push_back(entry.path().filename().string() + " " +
                    std::to_string(std::hash<std::string>{}(bytes)) + "\n");
    }
    std::sort(all.begin(), all.end());
    std::string text;
    for (const std::string& one : all)
      text += one;
    return text;
  }

  // Turns bytes of a file of the journal over.
  void flip(const std::string& name, std::streamoff offset, int count = 1) const {
    std::fstream file(journal() + "/" + name, std::ios::binary | std::ios::in | std::ios::out);
    std::string bytes(static_cast<std::size_t>(count), '\0');
    file.seekg(offset);
    file.read(bytes.data(), count);
    for (char& c : bytes)
      c = static_cast<char>(~c);
    file.seekp(offset);
    file.write(bytes.data(), count);
    EXPECT_TRUE(file.good());
  }

  DiskScratch disk_;
};

}  // namespace millrace::testing_support
