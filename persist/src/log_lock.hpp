// The lock on a journal's directory: an OFD write lock on the file `lock` in it, held by the one
// process that may write the log. Its content says who took it, because the kernel does not ("-1").
//
// The engine registers the lock's description with its ring, so that the kernel keeps the lock
// until the last write of a killed holder has landed. A successor therefore waits without bound:
// a timeout would let it recover a log that is still changing.
//
// Thread rules: one thread at a time. A forked child does not hold it.
#pragma once

#include "millrace/core/fork_guard.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

struct LogLockHolder {
  std::uint32_t pid = 0;
  std::uint64_t start_ticks = 0;
  std::string boot;  // boot id, as the kernel prints it
  std::string name;  // of the program
};

// "pid start_ticks boot name\n", as it lies in the lock file. Nothing if it is anything else.
[[nodiscard]] std::optional<LogLockHolder> parse_holder(std::string_view content);
[[nodiscard]] std::string to_content(const LogLockHolder& holder);

class LogLock {
 public:
  LogLock() noexcept = default;
  LogLock(const LogLock&) = delete;
  LogLock& operator=(const LogLock&) = delete;
  ~LogLock();

  // Errors: busy (the sentence names who), too_many, unsupported (no locks here). `waiting` is
  // called at once and then about once a second; null or false ends the wait.
  Result<void> take(int directory_fd, const std::string& path,
                    bool (*waiting)(void* context, const Error& why), void* context);

  // -1: not held, or held by the parent.
  [[nodiscard]] int fd() const noexcept { return guard_.foreign() ? -1 : fd_; }

  // Unlocks now, whoever else still refers to the description. REQUIRES: nothing is in flight.
  void give_back() noexcept;

 private:
  void close_own() noexcept;

  ForkGuard guard_;
  int fd_ = -1;
};

}  // namespace millrace
