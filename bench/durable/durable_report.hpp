// The rows for people, and for programs.
#pragma once

#include "rounds.hpp"

#include <cstdio>
#include <vector>

namespace millrace::bench {

struct DurableReport {
  std::string directory;
  std::string file_system{};
  std::string kernel{};
  std::uint32_t rounds = 0;
  double seconds = 0;
  std::string repeat{};  // the command that made it
  std::vector<RowFigures> rows{};

  // 1 if a goal was missed beyond doubt, else 0.
  [[nodiscard]] int exit_code() const noexcept;
};

void print_table(const DurableReport& report, std::FILE* out);
void print_json(const DurableReport& report, std::FILE* out);

}  // namespace millrace::bench
