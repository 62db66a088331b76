// One subject as one side of a restart sees it: the leader times, the follower answers or sends.
#pragma once

#include "grounds.hpp"
#include "subject.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace millrace::bench {

enum class Side : std::uint8_t { leader, follower };

// Both sides are given the same count. One thread a side.
class Contest {
 public:
  Contest() = default;
  Contest(const Contest&) = delete;
  Contest& operator=(const Contest&) = delete;
  virtual ~Contest() = default;

  virtual Timing lead(std::uint64_t messages) noexcept = 0;
  virtual void follow(std::uint64_t messages) noexcept = 0;
};

using Contests = std::array<std::unique_ptr<Contest>, kSubjects>;

// Opens this side's end of everything. The leader goes first: it creates the channels. Ends the
// process with a sentence if something cannot be opened.
[[nodiscard]] Contests make_contests(Side side, Grounds& grounds, Plant plant);

}  // namespace millrace::bench
