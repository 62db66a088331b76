#include "millrace/core/lifetime_lock.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace millrace {
namespace {

void close_registered(int fd) noexcept {
  detail::forget_in_child(fd);
  close(fd);
}

// The lock is taken under the pause as well: a child forked between opening and locking would
// share the description, and so the lock.
Result<int> open_and_lock(int directory_fd, const char* path, int flags, unsigned mode) {
  const detail::ForkPause pause;
  const int fd = openat(directory_fd, path, O_RDWR | O_CLOEXEC | O_NOCTTY | flags, mode);
  if (fd < 0) return fail_os(errno, "cannot open the lock file %s", path);
  if (!detail::close_in_child(fd)) {
    close(fd);
    return fail(Errc::too_many, "this process holds %u participants and lanes already: close some",
                detail::kLifetimeLocksMax);
  }

  struct flock whole {};

  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd, F_OFD_SETLK, &whole) == 0) return fd;
  const int refused = errno;
  close_registered(fd);
  if (refused == EAGAIN || refused == EACCES) {
    return fail(Errc::busy, "a living process holds the lock on %s", path);
  }
  return fail_os(refused, "cannot lock %s: its file system must support OFD locks", path);
}

}  // namespace

Result<LifetimeLock> LifetimeLock::take(int directory_fd, const char* path, int extra_flags,
                                        unsigned mode) {
  const Result<int> fd = open_and_lock(directory_fd, path, extra_flags | O_NOFOLLOW, mode);
  if (!fd) return std::unexpected(fd.error());
  return LifetimeLock(*fd);
}

Result<LifetimeLock> LifetimeLock::take_on(int fd) {
  std::array<char, 40> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
  const Result<int> own = open_and_lock(AT_FDCWD, path.data(), 0, 0);
  if (!own) return std::unexpected(own.error());
  return LifetimeLock(*own);
}

LifetimeLock::LifetimeLock(LifetimeLock&& other) noexcept
    : guard_(other.guard_), fd_(std::exchange(other.fd_, -1)) {}

LifetimeLock& LifetimeLock::operator=(LifetimeLock&& other) noexcept {
  if (this != &other) {
    close_own();
    guard_ = other.guard_;
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

LifetimeLock::~LifetimeLock() {
  close_own();
}

void LifetimeLock::close_own() noexcept {
  // In a child the number is closed already and may name another file by now.
  if (fd_ < 0 || guard_.foreign()) return;
  const detail::ForkPause pause;
  close_registered(fd_);
  fd_ = -1;
}

}  // namespace millrace
