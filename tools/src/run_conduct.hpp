// Conducts the processes of one run through its phases, and notices what happens to them. Never
// hangs on a process that died; waits for one that is only stopped until the user ends the run.
//
// One thread.
#pragma once

#include "run_options.hpp"
#include "run_page.hpp"
#include "run_processes.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::tools {

struct RunCourse {
  // A sentence for each process that failed, died or had to be killed.
  std::vector<std::string> troubles;
  bool deaths = false;  // a process did not leave in good order

  // Set if a process was refused something before the first message: nothing was run.
  Errc refused{};
  std::string refusal;
  bool recorder_refused = false;  // it was the recorder
  bool recorder_died = false;

  bool interrupted = false;  // the user ended it
  std::vector<bool> publisher_died;
  std::vector<bool> subscriber_died;
};

class RunConductor {
 public:
  RunConductor(const RunOptions& options, const RunPage& page, RunProcesses& processes) noexcept;

  // Of a durable run, once its recorder has been started: publishers may not come before it is in
  // place. False: it was refused, or the user wants the end; only conduct() is left to do.
  [[nodiscard]] bool await_recorder();

  // From `place` to the last process's exit.
  [[nodiscard]] RunCourse conduct();

 private:
  void advance(RunPhase phase);
  void pass_a_moment(RunPhase phase);
  void notice_deaths();
  void notice_death(RunProcess& process);
  void lose_recorder();
  void explain_death(const RunProcess& process, const ChildWords& words);
  void hear_the_user();
  void give_up_on_the_silent();
  void stop_when_it_is_time();
  void show_line();
  void leave();

  [[nodiscard]] bool all_reached(RunPhase phase);
  [[nodiscard]] ChildWords& words_of(const RunProcess& process) const;
  [[nodiscard]] std::uint64_t progress() const;
  [[nodiscard]] std::string missing(RunPhase phase);

  const RunOptions& options_;
  const RunPage& page_;
  RunProcesses& processes_;
  RunCourse course_;
  std::uint64_t publishing_since_ns_ = 0;
  std::uint64_t shown_ns_ = 0;
  std::uint64_t shown_published_ = 0;
  std::uint64_t shown_progress_ = 0;
  std::uint64_t ended_ns_ = 0;  // the user wanted the end, and then something last moved
  std::uint64_t last_progress_ = 0;
};

}  // namespace millrace::tools
