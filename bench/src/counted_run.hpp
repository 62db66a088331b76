// What a message costs beside time: allocations, system calls and page faults of both processes,
// counted exactly.
//
// Allocations are counted by our own malloc, page faults by the kernel (minor and major). System
// calls are counted from outside: the parent traces both processes and every call stops there. Each
// process sets a marker before and after the messages, a getppid that nothing else here ever calls;
// what lies between is the window. A control window commits a known number of each, so that a
// counter that sees nothing is not taken for a path that does nothing.
#pragma once

#include "contest.hpp"

#include <string>
#include <vector>

namespace millrace::bench {

inline constexpr std::array kCountedSubjects = {Subject::round_trip_32, Subject::stream,
                                                Subject::stream_batch};

// Between open() and close() of one process.
class Window {
 public:
  Window(Grounds& grounds, Side side) noexcept : grounds_(grounds), side_(side) {}

  void open() noexcept;
  void close() noexcept;

 private:
  Grounds& grounds_;
  Side side_;
  std::size_t number_ = 0;
  SideCount before_;
};

// Both processes together.
struct CountedRow {
  Subject subject = Subject::bare;  // bare: the control
  std::uint64_t messages = 0;
  std::uint64_t allocations = 0;
  std::uint64_t system_calls = 0;
  std::uint64_t page_faults = 0;

  // Those of the system calls that were death checks: a publisher that has been blocked by a full
  // ring for 0.1 ms asks whether the reader still lives. Happens when the host stops the reader.
  std::uint64_t death_checks = 0;

  std::string calls;  // which system calls, by number: "3 x 4, 257 x 4"
};

struct Counted {
  std::vector<CountedRow> rows;
  std::string refused;  // why nothing could be counted, else empty
  bool control_ok = false;
};

struct CountedPlan {
  std::uint64_t messages = 1'000'000;
  int leader_cpu = 0;
  int follower_cpu = 1;
  bool pinned = true;
};

[[nodiscard]] Counted count_costs(Grounds& grounds, const CountedPlan& plan);

}  // namespace millrace::bench
