// A forked child inherits its parent's objects but none of its rights: it must not publish, release
// or unlock anything. Every object that owns a part of a domain carries a ForkGuard and asks
// foreign() at its entries (one relaxed load) and in its destructor: a foreign object returns
// Errc::foreign and its destructor does nothing.
//
// How it knows: a generation word in a page that the kernel wipes in the child (MADV_WIPEONFORK),
// so that even a child of raw clone or _Fork, which runs no handlers, sees the change. An ordinary
// fork also runs a pthread_atfork handler, which closes every lifetime lock of the parent; without
// it the child would keep a dead parent alive. Children that share the parent's memory until they
// exec (posix_spawn, vfork) change nothing, and O_CLOEXEC does the rest.
//
// Thread safety: everything here may be called by any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace {

// The number of this life of this process: differs between a process and its forked children, never
// 0. It costs a call; objects on a message path use ForkGuard.
[[nodiscard]] std::uint32_t process_generation() noexcept;

class ForkGuard {
 public:
  ForkGuard() noexcept;

  // True once this process is a forked child of the one that made the guard.
  [[nodiscard]] bool foreign() const noexcept {
    // Relaxed: the word changes only in a child that has one thread, before that thread goes on.
    return word_->load(std::memory_order_relaxed) != mine_;
  }

 private:
  const std::atomic<std::uint32_t>* word_;
  std::uint32_t mine_;
};

namespace detail {

// While one of these lives no thread of this process can fork, so that opening a lock file and
// registering it are one step for a child. Keep it short; never fork under it.
class ForkPause {
 public:
  ForkPause() noexcept;
  ~ForkPause();
  ForkPause(const ForkPause&) = delete;
  ForkPause& operator=(const ForkPause&) = delete;
};

inline constexpr std::uint32_t kLifetimeLocksMax = 4096;  // in one process

// `fd` will be closed in forked children. False if the process holds kLifetimeLocksMax already.
// REQUIRES: a ForkPause lives.
[[nodiscard]] bool close_in_child(int fd) noexcept;

// REQUIRES: a ForkPause lives, and `fd` is closed before it ends.
void forget_in_child(int fd) noexcept;

}  // namespace detail

}  // namespace millrace
