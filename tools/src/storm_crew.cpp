#include "storm_crew.hpp"

#include "millrace/core/clock.hpp"
#include "report.hpp"
#include "spawn_self.hpp"
#include "storm_patience.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <sys/wait.h>
#include <thread>

namespace millrace::tools {
namespace {

constexpr std::chrono::milliseconds kLook{1};
// Not even a fat victim keeps us for so long.
constexpr std::uint64_t kPauseNs = 5'000'000'000;

void wait_for_end(pid_t pid) noexcept {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

std::string name_of(const StormSlot& slot) {
  return std::string(to_string(slot.role)) + " " + std::to_string(slot.slot) + " (life " +
         std::to_string(slot.life) + ", pid " + std::to_string(slot.pid) + ")";
}

}  // namespace

StormCrew::StormCrew(StormMemory& memory, std::uint32_t publishers, std::uint32_t subscribers)
    : memory_(memory) {
  const std::uint32_t channels = memory->settings.channels;
  const auto add = [&](StormRole role, std::uint32_t many) {
    // A third more come and go.
    const std::uint32_t all = role == StormRole::cleaner ? many : many + (many + 2) / 3;
    for (std::uint32_t each = 0; each < all; ++each) {
      StormSlot slot;
      slot.role = role;
      slot.slot = each;
      slot.channel = each % channels;
      slot.named = role == StormRole::publisher && each / channels % 2 == 0;
      slot.always = each < many;
      slots_.push_back(slot);
    }
  };
  add(StormRole::publisher, publishers);
  add(StormRole::subscriber, subscribers);
  add(StormRole::cleaner, 1);
}

StormCrew::~StormCrew() {
  for (StormSlot& slot : slots_) {
    if (slot.alive()) discard({slot.pid, slot.life});
  }
}

bool StormCrew::lives_left() const noexcept {
  return memory_->lives_used.load(std::memory_order_relaxed) + slots_.size() < kStormLives;
}

Result<StormCrew::Process> StormCrew::prepare(const StormSlot& slot, std::uint32_t predecessor,
                                              bool fat) {
  const std::uint32_t number = memory_->lives_used.load(std::memory_order_relaxed);
  if (number == kStormLives) {
    return fail(Errc::too_many, "a storm has at most %u lives; begin another", kStormLives);
  }
  StormLife& life = memory_->lives[number];
  life.role = slot.role;
  life.slot = slot.slot;
  life.channel = slot.channel;
  life.named = slot.named ? 1 : 0;
  life.fat = fat ? 1 : 0;
  life.predecessor = predecessor;
  // Relaxed: subscribers count the lives only once these processes have ended.
  memory_->lives_used.store(number + 1, std::memory_order_relaxed);
  auto pid = spawn_self(
      {"millrace", "storm", "--role", to_string(slot.role), "--number", std::to_string(number)},
      {memory_.fd()});
  if (!pid) return Failure(pid.error());
  return Process{*pid, number};
}

void StormCrew::fill(StormSlot& slot, Process process) {
  slot.pid = process.pid;
  slot.life = process.life;
  slot.stopped = false;
  slot.resumed_ns = monotonic_ns();
  // Relaxed: what it needs to know was there before it was started.
  memory_->lives[process.life].go.store(1, std::memory_order_relaxed);
}

void StormCrew::discard(Process process) {
  kill(process.pid, SIGKILL);
  wait_for_end(process.pid);
}

void StormCrew::stop(StormSlot& slot, std::uint64_t until_ns) {
  kill(slot.pid, SIGSTOP);
  slot.stopped = true;
  slot.stopped_ns = monotonic_ns();
  slot.continue_ns = until_ns;
}

void StormCrew::resume(StormSlot& slot) {
  if (!slot.stopped) return;
  kill(slot.pid, SIGCONT);
  slot.stopped = false;
  slot.resumed_ns = monotonic_ns();
  stops_.push_back({slot.role, slot.slot, slot.channel, slot.stopped_ns, slot.resumed_ns});
}

void StormCrew::bury(StormSlot& slot) noexcept {
  slot.pid = 0;
  slot.stopped = false;
}

void StormCrew::reap(StormSlot& slot) {
  int status = 0;
  if (waitpid(slot.pid, &status, WNOHANG) != slot.pid) return;
  const bool asked = memory_->lives[slot.life].leave.load(std::memory_order_relaxed) != 0 ||
                     memory_->phase_now() != StormPhase::running;
  if (WIFSIGNALED(status)) {
    memory_->violate(name_of(slot) + " was killed by signal " + std::to_string(WTERMSIG(status)) +
                     ", which was not ours");
  } else if (WEXITSTATUS(status) != kGood || !asked) {
    memory_->violate(name_of(slot) + " ended by itself with exit code " +
                     std::to_string(WEXITSTATUS(status)));
  }
  bury(slot);
}

// Nobody may wait for ever on the dead.
void StormCrew::watch(StormSlot& slot, std::uint64_t now_ns) {
  if (slot.stopped || memory_->phase_now() != StormPhase::running) return;
  const StormLife& life = memory_->lives[slot.life];
  const std::uint64_t watchdog_ns = memory_->settings.watchdog_ns;
  const std::uint64_t repaired_ns = life.repaired_ns.load(std::memory_order_relaxed);
  if (repaired_ns == 0 && slot.role != StormRole::cleaner) {
    // It may have been resumed after the clock was read.
    if (now_ns < slot.resumed_ns + watchdog_ns) return;
    memory_->violate(name_of(slot) + " found no place for itself within " +
                     std::to_string(watchdog_ns / 1'000'000'000) + " s: no recovery");
  } else if (slot.role == StormRole::subscriber) {
    const std::uint64_t last_ns = std::max(
        {slot.resumed_ns, repaired_ns, life.last_message_ns.load(std::memory_order_relaxed)});
    if (now_ns < last_ns + watchdog_ns) return;
    memory_->violate(name_of(slot) + " received nothing for " +
                     std::to_string(watchdog_ns / 1'000'000'000) + " s");
  }
}

// A machine that was paused, or a storm that was frozen as a whole, is no reason to call anybody
// late.
void StormCrew::notice_pause(std::uint64_t now_ns) {
  const std::uint64_t away_ns = pumped_ns_ == 0 ? 0 : now_ns - pumped_ns_;
  pumped_ns_ = now_ns;
  if (away_ns < kPauseNs) return;
  for (StormSlot& slot : slots_)
    slot.resumed_ns = now_ns;
}

void StormCrew::pump() {
  const std::uint64_t now_ns = monotonic_ns();
  notice_pause(now_ns);
  for (StormSlot& slot : slots_) {
    if (slot.alive() && slot.stopped && now_ns >= slot.continue_ns) resume(slot);
    if (slot.alive()) watch(slot, now_ns);
    if (slot.alive()) reap(slot);
  }
}

void StormCrew::await_end(StormRole role) {
  StormPatience patience(2 * memory_->settings.watchdog_ns);
  for (StormSlot& slot : slots_) {
    if (slot.role != role) continue;
    while (slot.alive() && !patience.over()) {
      pump();
      std::this_thread::sleep_for(kLook);
    }
    if (!slot.alive()) continue;
    memory_->violate(name_of(slot) + " hangs: it does not leave although it is asked to");
    discard({slot.pid, slot.life});
    bury(slot);
  }
}

}  // namespace millrace::tools
