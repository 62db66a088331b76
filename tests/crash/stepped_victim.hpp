// A forked child that its parent drives with ptrace: to an instruction by a hardware breakpoint
// (which changes no byte of the code), from there by single steps, and then to its death.
//
// A child of a fork has its parent's addresses and heap, so each victim of one parent takes the
// same way through the same instructions.
#pragma once

#include <cstdint>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

namespace millrace::crash {

class SteppedVictim {
 public:
  template <class Body>
  explicit SteppedVictim(Body body) : pid_(fork()) {
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      wait_for_tracer();
      body();
      _exit(0);
    }
    begin();
  }

  SteppedVictim(const SteppedVictim&) = delete;
  SteppedVictim& operator=(const SteppedVictim&) = delete;
  ~SteppedVictim();

  // Runs until it is about to execute `code` for the n-th time from here. False: it ended before.
  bool run_to(std::uint64_t code, std::uint32_t times = 1);

  // One instruction, or one whole system call. False: it ended in it.
  bool step();

  // Address of the instruction that comes next.
  [[nodiscard]] std::uint64_t next() const;

  // Gone when this returns, with every lock it held.
  void kill_it();

  // Stops it as a shell would, without a tracer; goes on until its end with `resume`.
  void stop_it();
  void resume() const;
  void await_end();

  [[nodiscard]] bool ended() const { return ended_; }

  // After its end: by itself, with exit code 0?
  [[nodiscard]] bool went_well() const;

  [[nodiscard]] int status() const { return status_; }

 private:
  static void wait_for_tracer();
  void begin();
  void break_at(std::uint64_t code) const;
  bool await_trap();

  pid_t pid_;
  int status_ = 0;
  bool ended_ = false;
};

// Is the instruction at this address, in this process or its children, a system call?
bool is_system_call(std::uint64_t code);

}  // namespace millrace::crash
