// A driver or a service of a rival: a process with a baton pipe, an answer pipe and a log. It dies
// with the conductor. What it prints goes to the log, whose last line is the reason if it fails.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace millrace::rivals {

class Child {
 public:
  [[nodiscard]] static Result<Child> start(const std::vector<std::string>& command,
                                           const std::string& log);

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  ~Child() { end(); }

  // Lets it run. It sleeps until then.
  Result<void> baton() noexcept;

  // Until each of them has answered. Errors: system (one has ended; with the last line of its log,
  // for the others wait for it in vain), timeout.
  [[nodiscard]] static Result<void> await(std::vector<Child*> children, double seconds) noexcept;

  // SIGKILL, now; returns when it is gone.
  void kill_hard() noexcept;

  // In order: without a baton a driver leaves, a service is asked to, and who does neither within
  // some seconds is killed.
  void end() noexcept;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  [[nodiscard]] const std::string& log() const noexcept { return log_; }

 private:
  Child(pid_t pid, Descriptor batons, Descriptor answers, std::string log) noexcept
      : pid_(pid), batons_(std::move(batons)), answers_(std::move(answers)), log_(std::move(log)) {}

  [[nodiscard]] Failure reason(const char* what) const;
  Result<void> take_answer() noexcept;
  bool gone_within(int tries) noexcept;  // of 10 ms each

  pid_t pid_ = 0;
  Descriptor batons_;
  Descriptor answers_;
  std::string log_;
};

}  // namespace millrace::rivals
