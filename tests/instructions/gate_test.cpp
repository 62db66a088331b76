// The price of stamps, exactly: instructions of a publish and of a poll that is not stamped,
// counted by callgrind, against the same source without stamps. No time is measured, so it can be a
// gate.
#include "support/scratch_directory.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr long kBlocks = 200;
constexpr double kAllowed = 3;  // instructions a message

struct Way {
  const char* name;
  const char* counted;  // the function of probe.cpp
  int messages;         // in a block
};

void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

constexpr std::array kWays{
    Way{"claim", "probe_publish", 16},
    Way{"send", "probe_publish", 16},
    Way{"batch", "probe_publish", 16},
    Way{"claim", "probe_poll", 17},  // the last one finds nothing
    Way{"each", "probe_poll", 17},
    Way{"lone", "probe_poll", 2},
};

bool has_callgrind() {
  return std::system("valgrind --tool=callgrind --version > /dev/null 2>&1") == 0;
}

// Instructions a message, on average over all blocks. Nothing: the probe failed.
std::optional<double> count(const char* probe, const char* mode, const Way& way) {
  const testing_support::ScratchDirectory directory;
  const std::string command =
      "MILLRACE_PROBE_DIR=" + (directory / "domain") + " valgrind --tool=callgrind " +
      "--callgrind-out-file=/dev/null --toggle-collect=" + way.counted + " " + MILLRACE_BIN_DIR +
      "/" + probe + " " + mode + " " + way.name + " " + std::to_string(kBlocks) + " 2>&1";
  FILE* const output = popen(command.c_str(), "r");
  if (output == nullptr) return std::nullopt;
  std::string said;
  std::array<char, 512> piece{};
  while (std::fgets(piece.data(), piece.size(), output) != nullptr)
    said += piece.data();
  const auto at = said.find("Collected : ");
  if (pclose(output) != 0 || at == std::string::npos) {
    ADD_FAILURE() << command << "\n" << said;
    return std::nullopt;
  }
  const double all = std::strtod(said.c_str() + at + 12, nullptr);
  return all / static_cast<double>(kBlocks * way.messages);
}

class Instructions : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (!has_callgrind()) GTEST_SKIP() << "no callgrind: install valgrind";
  }

  static double extra(const char* probe, const char* mode) {
    const auto without = count("instruction_probe_none", "off", GetParam());
    const auto with = count(probe, mode, GetParam());
    if (!without || !with) return 1e9;
    std::printf("%s %s, %s, %s: %.2f instructions a message, %.2f without stamps\n", probe, mode,
                GetParam().name, GetParam().counted, *with, *without);
    return *with - *without;
  }
};

TEST_P(Instructions, OfAMessageThatIsNotStampedAreThreeMoreAtMost) {
  EXPECT_LE(extra("instruction_probe", "sampled"), kAllowed);
}

TEST_P(Instructions, AreThreeMoreAtMostWhereStampsAreOff) {
  EXPECT_LE(extra("instruction_probe", "off"), kAllowed);
}

// Canary: the planted defect is found.
TEST_P(Instructions, OfAHashOfEveryMessageAreNoticed) {
  if (GetParam().name == std::string_view("batch")) {
    GTEST_SKIP() << "a batch is one publish, and asks once for all of its messages";
  }
  EXPECT_GT(extra("instruction_probe_hash", "sampled"), kAllowed);
}

INSTANTIATE_TEST_SUITE_P(Ways, Instructions, testing::ValuesIn(kWays), [](const auto& way) {
  return std::string(way.param.name) + "_" + way.param.counted;
});

}  // namespace
}  // namespace millrace
