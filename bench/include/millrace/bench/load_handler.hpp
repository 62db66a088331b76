// What a receiver does with each message of a load.
//
//   none           looks at the bytes, nothing more
//   work:2us       a fixed number of iterations, as many as take 2 us on a quiet core. If the host
//                  takes the processor away, the rest of the work is still to be done (preemptive
//                  resume): its service time grows by the gap
//   work:5000x     so many iterations
//   deadline:2us   spins until 2 us after it began. If the host takes the processor away, that time
//                  counts (absorb): its service time hardly grows
//   lib:FILE.so    the user's own: extern "C" void millrace_handler(const void* bytes, size_t size)
//
// The two built-in kinds answer the host differently, so a prediction must know which one it was.
#pragma once

#include "millrace/bench/gap_meter.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace millrace::bench {

struct LoadHandler {
  enum class Kind : std::uint8_t { none, work, deadline, user };

  using Function = std::function<void(std::span<const std::byte>)>;

  Kind kind = Kind::none;
  double ns = 0;                 // of work and deadline; 0: `iterations` says it
  std::uint64_t iterations = 0;  // of work
  std::string library{};         // of user, if it was named by a file
  Function function{};           // of user
};

// Error bad_argument: what is wrong, and what may be written. Loads the library of lib:FILE;
// not_found if it or its function is not there.
[[nodiscard]] Result<LoadHandler> parse_handler(std::string_view text);

[[nodiscard]] std::string to_string(const LoadHandler& handler);

// `count` iterations of the work; the result keeps the compiler from leaving it away.
std::uint64_t work(std::uint64_t count, std::uint64_t value) noexcept;

// A handler ready to run on this core. Thread rules: one thread.
class RunningHandler {
 public:
  // Measures how long an iteration takes (the fastest of some: about 3 ms).
  RunningHandler(const LoadHandler& handler, const Clock& clock);

  // Handles one message; time that is missing inside goes to `gaps`. `began`: ticks just now.
  // Returns ticks at the end.
  std::uint64_t handle(std::span<const std::byte> bytes, std::uint64_t began,
                       GapMeter& gaps) noexcept;

  // Of `work`; 0 for every other kind.
  [[nodiscard]] std::uint64_t iterations() const noexcept { return iterations_; }

 private:
  // Work is done in pieces of about this long: gaps are seen to their begin and end within it.
  static constexpr std::uint64_t kPieceIterations = 128;

  LoadHandler handler_;
  Clock clock_;
  std::uint64_t iterations_ = 0;
  std::uint64_t piece_ticks_ = 0;
  std::uint64_t deadline_ticks_ = 0;
  std::uint64_t value_ = 1;
};

}  // namespace millrace::bench
