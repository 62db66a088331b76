// The storm itself: kills, stops, adds and sends away processes at random until the time is over,
// then lets everybody finish and checks what is left.
//
// One thread.
#pragma once

#include "millrace/transport/domain.hpp"
#include "storm_aim.hpp"
#include "storm_crew.hpp"
#include "storm_options.hpp"

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace millrace::tools {

// What only the parent has seen.
struct StormCourse {
  std::uint64_t began_ns = 0;
  std::uint64_t ended_ns = 0;
  std::array<std::uint64_t, kStormRoles> kills{};
  std::array<std::uint64_t, kStormRoles> stops{};
  std::uint64_t killed_stopped = 0;
  std::uint64_t killed_parked = 0;
  std::uint64_t killed_fat = 0;
  std::uint64_t killed_joining = 0;  // before they had their place
  std::uint64_t killed_twice = 0;    // and so was their successor, while it took over
  std::uint64_t added = 0;
  std::uint64_t left = 0;
  KillPoints points;
  std::vector<StormAbsence> absences;             // stopped, and went on
  std::vector<std::uint64_t> reader_recovery_ns;  // lock free → the waiting publisher goes on
  bool interrupted = false;
  bool out_of_lives = false;
};

class StormConduct {
 public:
  StormConduct(const StormOptions& options, StormMemory& memory, const Domain& domain,
               int domain_fd);

  // To the end. Error: a process cannot be started.
  [[nodiscard]] Result<void> run();

  [[nodiscard]] const StormCourse& course() const noexcept { return course_; }

 private:
  // A publisher that waits for a reader which was killed.
  struct Waiting {
    std::uint32_t life = kNoLife;
    std::uint64_t kill_ns = 0;
    std::uint64_t alive_ns = 0;  // the dead one's lock was not free yet
  };

  [[nodiscard]] bool done() const;
  Result<void> begin();
  Result<void> event();
  Result<void> kill_one();
  Result<void> replace(StormSlot& slot);
  Result<std::vector<StormCrew::Process>> prepare_heirs(const StormSlot& slot);
  void discard(std::vector<StormCrew::Process>& heirs);
  Result<void> start(StormSlot& slot);
  bool stop_before_death(StormSlot& slot);
  void succeed(StormSlot& slot, StormCrew::Process heir);
  void count_death(const StormSlot& slot, const KillPoint& point);
  void stop_one();
  Result<void> add_or_send_away();
  void end();

  StormAim choose_aim(const StormSlot& slot);
  StormSlot* choose(StormRole role);
  StormRole choose_role();
  StormSlot* fat_one();
  bool choose_fat();
  void rest(std::uint64_t us);
  bool await_ready(StormCrew::Process process);
  std::vector<std::uint32_t> who_waits_for(const StormSlot& victim);
  void collect();
  void show() const;

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  const StormOptions& options_;
  StormMemory& memory_;
  const Domain& domain_;
  int domain_fd_;
  std::mt19937_64 random_;
  StormCrew crew_;
  StormCourse course_;
  std::vector<Waiting> waiting_;
  std::uint64_t starts_ = 0;
  bool shows_;
};

}  // namespace millrace::tools
