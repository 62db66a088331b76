// One subject as one side of a restart sees it: the leader times, the follower answers or sends.
#pragma once

#include "grounds.hpp"
#include "millrace/transport/domain.hpp"
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

// Empty where a subject does not take part.
using Contests = std::array<std::unique_ptr<Contest>, kSubjects>;

// What a side needs to open its ends. Lives as long as the contests.
struct Arena {
  Side side;
  Grounds& grounds;
  Domain& domain;

  [[nodiscard]] bool leads() const noexcept { return side == Side::leader; }
};

// This side's end of one subject. Channels are made by the side that comes first, which is the
// leader. Ends the process with a sentence if something cannot be opened.
using ContestPointer = std::unique_ptr<Contest>;
[[nodiscard]] ContestPointer make_bare(const Arena& arena, Subject subject);
[[nodiscard]] ContestPointer make_round_trip(const Arena& arena, Subject subject);
[[nodiscard]] ContestPointer make_stream(const Arena& arena, Subject subject);
[[nodiscard]] ContestPointer make_long_stream(const Arena& arena, Subject subject);
[[nodiscard]] ContestPointer make_fan_out(const Arena& arena, Subject subject);
[[nodiscard]] ContestPointer make_lanes(const Arena& arena, Subject subject);
[[nodiscard]] ContestPointer make_wake(const Arena& arena, Subject subject);
[[nodiscard]] ContestPointer make_latency(const Arena& arena, Subject subject);

[[nodiscard]] Contests make_contests(const Arena& arena, const SubjectSet& subjects);

}  // namespace millrace::bench
