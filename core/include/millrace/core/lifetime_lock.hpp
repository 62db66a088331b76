// A LifetimeLock is an OFD write lock that tells others that its holder lives. The kernel drops it
// when the holder dies, at any instruction; nothing else ends it but closing this object.
//
// I1: it is never unlocked explicitly: an unlock in a forked child would free the parent's lock.
// I2: its description is its own: never dup'ed, never passed on, never the one that is mapped (a
//     mapping keeps its description, and so the lock, beyond the close).
// I3: O_CLOEXEC, and closed in forked children by the fork handler. Children of raw clone and _Fork
//     keep it until they exec, exit or use this library: `lock_holders` names them.
//
// Thread safety: one thread at a time. In a forked child every call is harmless.
#pragma once

#include "millrace/core/fork_guard.hpp"
#include "millrace/core/result.hpp"

namespace millrace {

class LifetimeLock {
 public:
  // Opens (and with O_CREAT in `extra_flags` makes) a file and locks all of it. Errc::busy if a
  // living process holds it; never waits. The umask takes its bits from `mode`: fchmod fd() after.
  [[nodiscard]] static Result<LifetimeLock> take(int directory_fd, const char* path,
                                                 int extra_flags = 0, unsigned mode = 0);

  // Locks the file behind `fd` through a description of its own. Needs /proc, works on files that
  // have no name yet, and `fd` may be closed afterwards.
  [[nodiscard]] static Result<LifetimeLock> take_on(int fd);

  LifetimeLock(LifetimeLock&& other) noexcept;
  LifetimeLock& operator=(LifetimeLock&& other) noexcept;
  ~LifetimeLock();

  // -1 in a forked child and after a move.
  [[nodiscard]] int fd() const noexcept { return guard_.foreign() ? -1 : fd_; }

 private:
  explicit LifetimeLock(int fd) noexcept : fd_(fd) {}

  void close_own() noexcept;

  ForkGuard guard_;
  int fd_;
};

}  // namespace millrace
