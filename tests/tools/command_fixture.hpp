// A domain of a test's own, for the millrace command.
#pragma once

#include "../support/scratch_directory.hpp"
#include "command.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::testing_support {

class CommandTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string domain() const { return scratch_ / "domain"; }

  Outcome run(const std::vector<std::string>& arguments, std::string_view input = {}) const {
    return testing_support::run(domain(), arguments, input);
  }

  // A file with this text beside the domain.
  [[nodiscard]] std::string file(const std::string& name, std::string_view text) const {
    std::ofstream(scratch_ / name, std::ios::binary) << text;
    return scratch_ / name;
  }

  // Its answer, which must be one JSON object a line; the last of them.
  static nlohmann::json json_of(const std::string& text) {
    nlohmann::json last;
    std::size_t begin = 0;
    while (begin < text.size()) {
      std::size_t end = text.find('\n', begin);
      if (end == std::string::npos) end = text.size();
      last = nlohmann::json::parse(text.substr(begin, end - begin), nullptr, false);
      EXPECT_FALSE(last.is_discarded()) << text.substr(begin, end - begin);
      begin = end + 1;
    }
    return last;
  }

  // Names in a directory of the domain; none if it is not there.
  [[nodiscard]] std::vector<std::string> names(const std::string& below = "") const {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(domain() + "/" + below, ignored))
      found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }

  [[nodiscard]] bool has_channel(const std::string& name) const {
    return std::filesystem::exists(domain() + "/" + name);
  }

  // A subscriber of `channel` is in place.
  [[nodiscard]] bool has_reader(const std::string& channel) const {
    return !names(channel + "/readers").empty();
  }

  // Bytes of every kind; the seed is printed when the test fails.
  static std::string noise(std::size_t bytes) {
    const auto seed = std::random_device{}();
    ::testing::Test::RecordProperty("seed", static_cast<int>(seed));
    std::mt19937 random(seed);
    std::string text(bytes, '\0');
    for (char& c : text)
      c = static_cast<char>(random());
    return text;
  }

  ScratchDirectory scratch_;
};

}  // namespace millrace::testing_support
