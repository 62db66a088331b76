// What tests of `millrace run` share: a domain of their own, the processes of a run, and what must
// not be left behind.
#pragma once

#include "command.hpp"
#include "millrace/transport/domain.hpp"
#include "support/scratch_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::testing_support {

class RunFixture : public ::testing::Test {
 protected:
  [[nodiscard]] std::string file(const std::string& content) const {
    std::string name = directory / "input";
    std::ofstream(name, std::ios::binary) << content;
    return name;
  }

  [[nodiscard]] Outcome millrace(const std::vector<std::string>& arguments,
                                 std::string_view input = {}) const {
    return run(domain, arguments, input);
  }

  // An empty object if that is no JSON.
  static nlohmann::json json_of(const Outcome& said) {
    auto parsed = nlohmann::json::parse(said.out, nullptr, false);
    return parsed.is_discarded() ? nlohmann::json::object() : parsed;
  }

  // No channel and no participant.
  void expect_nothing_left() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(domain)) {
      const std::string name = entry.path().filename();
      EXPECT_TRUE(name == "participants" || name.starts_with("clock-")) << entry.path();
    }
  }

  // Waits until messages flow in the channel of this run.
  [[nodiscard]] bool await_flow(const Command& run) const {
    return eventually([&] {
      const auto opened = Domain::open({.path = domain, .participant = {}, .create = false});
      if (!opened) return false;
      const auto channel = opened->find("run-" + std::to_string(run.pid()));
      if (!channel) return false;
      const auto stats = channel->stats();
      return stats && !stats->lanes.empty() && stats->lanes.front().sequence > 1000;
    });
  }

  // The process that a run has started in this role, 0 if there is none.
  static pid_t child_of(const Command& run, const std::string& role, int number) {
    const std::string own = std::to_string(run.pid());
    const std::string ending = "--role " + role + " --number " + std::to_string(number) + " ";
    std::ifstream list("/proc/" + own + "/task/" + own + "/children");
    for (pid_t child = 0; list >> child;) {
      std::ifstream command("/proc/" + std::to_string(child) + "/cmdline", std::ios::binary);
      std::string line{std::istreambuf_iterator<char>(command), {}};
      std::replace(line.begin(), line.end(), '\0', ' ');
      if (line.ends_with(ending)) return child;
    }
    return 0;
  }

  ScratchDirectory directory;
  const std::string domain = directory / "domain";
};

}  // namespace millrace::testing_support
