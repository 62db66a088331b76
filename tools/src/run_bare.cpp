#include "run_bare.hpp"

#include "millrace/core/histogram.hpp"

#include <memory>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kGameNs = 20'000'000;
constexpr std::uint64_t kPatienceNs = 1'000'000'000;
constexpr std::uint64_t kOver = ~std::uint64_t{0};
constexpr std::uint64_t kWarmUp = 2000;
constexpr unsigned kSpinsPerLook = 4096;

// Spins until `word` no longer is `old`; returns `old` after a second.
std::uint64_t await_change(const std::atomic<std::uint64_t>& word, std::uint64_t old,
                           const Clock& clock) noexcept {
  std::uint64_t since = 0;
  for (;;) {
    for (unsigned spin = 0; spin < kSpinsPerLook; ++spin) {
      // [sync:run-bare] Acquire, as a reader of messages would need.
      const std::uint64_t now = word.load(std::memory_order_acquire);
      if (now != old) return now;
    }
    if (since == 0) since = clock.ticks();
    if (clock.duration_ns(clock.ticks() - since) > kPatienceNs) return old;
  }
}

void put(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
  // [sync:run-bare] Release, as a publisher of messages would need.
  word.store(value, std::memory_order_release);
}

}  // namespace

std::uint64_t bare_serve(const RunPage& page, const Clock& clock) {
  RunHeader& words = page.header();
  const auto bytes = std::make_unique<layout::HistogramBytes>();
  Histogram rounds(*bytes);
  const std::uint64_t end = clock.ticks() + clock.duration_ticks(kGameNs);
  std::uint64_t turn = words.pong.load(std::memory_order_relaxed);  // of the game before
  bool answered = true;
  for (std::uint64_t round = 0; answered; ++round) {
    const std::uint64_t began = clock.ticks();
    if (began > end && round > kWarmUp) break;
    put(words.ping, turn + 1);
    answered = await_change(words.pong, turn, clock) == turn + 1;
    if (round >= kWarmUp) rounds.record(clock.duration_ns(clock.ticks() - began));
    ++turn;
  }
  put(words.ping, kOver);
  return answered ? rounds.percentile_ns(50) : 0;
}

void bare_return(const RunPage& page, const Clock& clock) {
  RunHeader& words = page.header();
  std::uint64_t turn = words.pong.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t next = await_change(words.ping, turn, clock);
    if (next == kOver || next == turn) return;
    turn = next;
    put(words.pong, turn);
  }
}

}  // namespace millrace::tools
