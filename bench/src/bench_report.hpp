// The result, for people and for programs.
#pragma once

#include "counted_run.hpp"
#include "machine.hpp"
#include "summary.hpp"

#include <cstdio>

namespace millrace::bench {

struct Report {
  Machine machine;
  int leader_cpu = 0;
  int follower_cpu = 1;
  double stolen_percent = 0;
  std::uint32_t restarts = 0;
  double seconds = 0;
  Plant plant = Plant::none;
  Summary summary;
  Counted counted;

  // 0 good, 1 a goal was missed or a counter is not 0 where it must be.
  [[nodiscard]] int exit_code() const noexcept;
};

void print_table(const Report& report, std::FILE* to);

// One object on one line.
void print_json(const Report& report, std::FILE* to);

[[nodiscard]] const char* to_string(Plant plant) noexcept;

}  // namespace millrace::bench
