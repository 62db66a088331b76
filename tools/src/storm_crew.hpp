// The processes of a storm: who lives, who is stopped, who has to follow whom. Destroying it kills
// what is left; the kernel does the same if the parent is killed.
//
// Thread rules: the thread that started them must live as long as they do; one thread.
#pragma once

#include "millrace/core/result.hpp"
#include "storm_page.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace millrace::tools {

// A place that one process after the other fills.
struct StormSlot {
  StormRole role = StormRole::publisher;
  std::uint32_t slot = 0;
  std::uint32_t channel = 0;
  bool named = false;
  bool always = true;  // false: added and sent away by chance

  pid_t pid = 0;  // 0: nobody is there
  std::uint32_t life = kNoLife;
  bool stopped = false;
  std::uint64_t continue_ns = 0;  // when it is to go on
  std::uint64_t stopped_ns = 0;   // when it was stopped
  std::uint64_t resumed_ns = 0;   // when it last went on

  [[nodiscard]] bool alive() const noexcept { return pid != 0; }
};

// A place whose process did not run.
struct StormAbsence {
  StormRole role = StormRole::publisher;
  std::uint32_t slot = 0;
  std::uint32_t channel = 0;
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = 0;
};

class StormCrew {
 public:
  struct Process {
    pid_t pid = 0;
    std::uint32_t life = kNoLife;
  };

  StormCrew(StormMemory& memory, std::uint32_t publishers, std::uint32_t subscribers);
  StormCrew(const StormCrew&) = delete;
  StormCrew& operator=(const StormCrew&) = delete;
  ~StormCrew();

  // Starts a process for `slot`, which follows `predecessor`; it does nothing before fill() lets it
  // go. Errors: system; too_many (the page has no lives left).
  [[nodiscard]] Result<Process> prepare(const StormSlot& slot, std::uint32_t predecessor, bool fat);

  // It is in that place from now on.
  void fill(StormSlot& slot, Process process);

  // It was not needed after all.
  void discard(Process process);

  void stop(StormSlot& slot, std::uint64_t until_ns);
  void resume(StormSlot& slot);

  // Lets those go on whose time has come, and notices who has ended. An end that nobody asked for
  // is a violation.
  void pump();

  // Somebody has struck it down and reaped it.
  static void bury(StormSlot& slot) noexcept;

  // Waits until all of a role are gone; who is not in time is killed, and that is a violation.
  void await_end(StormRole role);

  [[nodiscard]] std::vector<StormSlot>& slots() noexcept { return slots_; }

  [[nodiscard]] bool lives_left() const noexcept;

  // Of those that were stopped and went on.
  [[nodiscard]] const std::vector<StormAbsence>& stops() const noexcept { return stops_; }

 private:
  void notice_pause(std::uint64_t now_ns);
  void reap(StormSlot& slot);
  void watch(StormSlot& slot, std::uint64_t now_ns);

  StormMemory& memory_;
  std::vector<StormSlot> slots_;
  std::vector<StormAbsence> stops_;
  std::uint64_t pumped_ns_ = 0;  // when pump() last ran
};

}  // namespace millrace::tools
