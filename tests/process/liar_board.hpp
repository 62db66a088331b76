// What the processes of one round of lies share: how far it is, whose lane is whose, and what each
// of the victims has seen. Memory of their own that no liar can reach: it is not in the domain.
#pragma once

#include "millrace/core/limits.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <new>
#include <sys/mman.h>

namespace millrace::liar {

enum class Phase : std::uint32_t { prepare, lie, after, stop };

enum class Who : std::uint8_t {
  stayer,    // publishes through all of it
  comer,     // publishes under a name, leaves and comes back
  poller,    // polls, parked
  handler,   // poll_each, spinning
  peeker,    // poll_in_place; leaves and comes back with every `from` there is
  onlooker,  // stat and clean
  journal,   // writes CH/journal of a durable channel
};

inline constexpr std::size_t kVictims = 7;
inline constexpr std::array<const char*, kVictims> kVictimNames{
    "stayer", "comer", "poller", "handler", "peeker", "onlooker", "journal"};

inline constexpr std::uint64_t kNotYet = ~std::uint64_t{0};

// Everything of it is written by its own process only, but `broken`, by whoever is first.
struct VictimReport {
  std::atomic<bool> ready;
  std::atomic<bool> done;
  std::atomic<std::uint64_t> messages;
  std::atomic<std::uint64_t> errors;
  std::atomic<std::uint64_t> lost;
  std::atomic<std::uint64_t> openings;
  std::atomic<std::uint64_t> shut_out;
};

class Board {
 public:
  static Board* create() {
    void* const at =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? nullptr : new (at) Board();
  }

  static void destroy(Board* board) { munmap(board, sizeof(Board)); }

  [[nodiscard]] VictimReport& of(Who who) { return victims[static_cast<std::size_t>(who)]; }

  [[nodiscard]] bool in(Phase wanted) const { return phase.load() == wanted; }

  [[nodiscard]] bool before(Phase wanted) const { return phase.load() < wanted; }

  // The promise was broken; the first to say so is heard.
  [[gnu::format(printf, 2, 3)]] void broken(const char* format, ...) {
    if (said.exchange(true)) return;
    va_list list;
    va_start(list, format);
    std::vsnprintf(sentence.data(), sentence.size(), format, list);
    va_end(list);
    heard.store(true);
  }

  std::atomic<Phase> phase{Phase::prepare};
  std::array<std::atomic<bool>, kLanesMax> honest{};  // lanes of victims
  std::atomic<std::uint32_t> stayers_lane{0};
  std::atomic<std::uint64_t> stayers_end{kNotYet};  // its messages, once it has said them all
  std::array<VictimReport, kVictims> victims{};
  std::atomic<std::uint64_t> lies{0};
  std::atomic<std::uint64_t> liars_deaths{0};
  std::atomic<bool> said{false};
  std::atomic<bool> heard{false};
  std::array<char, 600> sentence{};
};

}  // namespace millrace::liar
