// Descriptor owns one open file. It closes it exactly once and is never copied: a second descriptor
// of the same file would keep a dead participant's lock alive.
//
// Thread rules: like an int. Two threads may not change the same Descriptor at once.
#pragma once

#include <unistd.h>
#include <utility>

namespace millrace {

class Descriptor {
 public:
  Descriptor() noexcept = default;

  // Takes over `fd`; a negative number owns nothing.
  explicit Descriptor(int fd) noexcept : fd_(fd) {}

  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() { close(); }

  // The number for system calls, -1 if it owns nothing.
  [[nodiscard]] int get() const noexcept { return fd_; }

  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

  // Gives the number away: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // Closes now. After EINTR the number is gone all the same on Linux, so nothing is retried.
  void close() noexcept {
    const int old = std::exchange(fd_, -1);
    if (old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace millrace
