// What the processes of one attempt tell each other: a page that they share and that lies outside
// of the domain, so it survives each of them and is no part of what is tested.
//
//   both:      building -> built (by the others) -> prepared (by the victim) -> ready
//   a kill:    ready -> gone -> judged
//   a freeze:  ready -> stopped -> provoked -> finished -> gone -> judged
#pragma once

#include "millrace/core/futex.hpp"

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <string>
#include <sys/mman.h>

namespace millrace::crash {

enum class Stage : std::uint32_t {
  building,
  built,
  prepared,
  ready,
  stopped,
  provoked,
  finished,
  gone,
  judged
};

struct Ledger {
  std::atomic<std::uint32_t> stage{0};
  std::atomic<std::uint32_t> broke{0};
  // Messages of the victim's lane that it began to publish, and that it knows to be published.
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> committed{0};
  std::atomic<std::uint64_t> visible{0};  // that the survivors found after its death
  std::atomic<std::uint32_t> owned{0};    // 1: the victim holds the lane "victim"
  std::uint32_t first_death = 0;          // after so many instructions of Operation::after
  std::array<char, 128> directory{};      // where the domain lies
  std::array<char, 1024> broken{};        // the first violation
  std::array<char, 4096> left{};          // names after `clean`, and after everybody left

  void enter(Stage next) {
    // [sync:attempt] Release: who sees the stage sees all that was written before it.
    stage.store(static_cast<std::uint32_t>(next), std::memory_order_release);
    futex_wake(&stage, 1024);
  }

  [[nodiscard]] bool reached(Stage wanted) const {
    // [sync:attempt] Acquire: see enter.
    return stage.load(std::memory_order_acquire) >= static_cast<std::uint32_t>(wanted);
  }

  // Whoever waits here for ever is ended by the watchdog of the attempt.
  void await(Stage wanted) const {
    while (!reached(wanted) && broke.load(std::memory_order_relaxed) == 0) {
      const std::uint32_t seen = stage.load(std::memory_order_relaxed);
      if (seen < static_cast<std::uint32_t>(wanted)) futex_wait(&stage, seen, 5'000'000);
    }
  }

  // Keeps the first sentence.
  [[gnu::format(printf, 2, 3)]] void breaks(const char* format, ...) {
    if (broke.exchange(1, std::memory_order_relaxed) != 0) return;
    va_list words;
    va_start(words, format);
    std::vsnprintf(broken.data(), broken.size(), format, words);
    va_end(words);
  }

  [[nodiscard]] std::string sentence() const { return broken.data(); }
};

// Memory that forked processes share with their parent.
template <class T>
class Shared {
 public:
  explicit Shared(std::size_t count = 1) : bytes_(count * sizeof(T)) {
    void* const place = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    first_ = place == MAP_FAILED ? nullptr : static_cast<T*>(place);
    if (first_ != nullptr && count == 1) new (first_) T();
  }

  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  ~Shared() {
    if (first_ != nullptr) munmap(first_, bytes_);
  }

  [[nodiscard]] T* get() const { return first_; }

  T* operator->() const { return first_; }

  T& operator*() const { return *first_; }

 private:
  std::size_t bytes_;
  T* first_ = nullptr;
};

}  // namespace millrace::crash
