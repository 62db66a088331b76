// A journal and a domain for one crash test, and the life and death of the writers on it.
//
// One thread.
#pragma once

#include "crashtest_check.hpp"
#include "crashtest_loop.hpp"
#include "crashtest_page.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>

namespace millrace::tools {

enum class CrashKind : std::uint8_t {
  kill,    // the writer dies; shared memory stays
  reboot,  // the writer dies, and shared memory with it; the disk has everything it was given
  power,   // the file system stops, too
};

[[nodiscard]] const char* to_string(CrashKind kind) noexcept;

class CrashGround {
 public:
  // `directory`: of its own, empty. `power`: the file system below it can be cut off. Makes a
  // journal there at once, so that a disk that cannot keep one is an error here.
  [[nodiscard]] static Result<CrashGround> make(const std::string& directory,
                                                const std::string& domain, std::uint64_t seed,
                                                std::optional<LoopPower> power);

  CrashGround(CrashGround&&) noexcept = default;
  ~CrashGround();

  // Starts a writer, lets it work for so long, and ends it the hard way. Then checks. Errors: those
  // of check_after_crash, and a writer that ended by itself.
  [[nodiscard]] Result<CrashFindings> crash(CrashKind kind, std::chrono::nanoseconds after);

  [[nodiscard]] bool has_power() const noexcept { return power_.has_value(); }

 private:
  CrashGround(CrashMemory page, std::optional<LoopPower> power) noexcept
      : page_(std::move(page)), power_(std::move(power)) {}

  Result<pid_t> start();
  Result<void> end(pid_t writer, CrashKind kind);
  void forget_shared_memory();

  CrashMemory page_;
  std::optional<LoopPower> power_;
};

}  // namespace millrace::tools
