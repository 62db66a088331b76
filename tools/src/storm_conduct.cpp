#include "storm_conduct.hpp"

#include "millrace/core/clock.hpp"
#include "signals.hpp"
#include "storm_patience.hpp"
#include "storm_victim.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <unistd.h>

namespace millrace::tools {
namespace {

// Of a hundred events.
constexpr std::uint64_t kKills = 65;
constexpr std::uint64_t kStops = 25;
// Of a hundred victims.
constexpr std::uint64_t kPublisherVictims = 45;
constexpr std::uint64_t kSubscriberVictims = 45;

constexpr std::uint64_t kLongestStopUs = 40'000;
constexpr std::uint64_t kLongestRestUs = 12'000;
constexpr std::uint64_t kFatEvery = 32;
constexpr std::uint64_t kFirstFat = 12;
constexpr std::uint64_t kPumpUs = 500;
// How often a successor dies, too, and how long after it was let go; a take-over is shorter.
constexpr std::uint64_t kTwiceEvery = 6;
constexpr std::uint64_t kLongestTakeOverUs = 1500;
// How long a victim goes on before it dies: a burst of messages takes about so long, and one
// message, made and published, some hundreds of instructions.
constexpr std::uint64_t kLongestRunOnNs = 50'000;
constexpr std::uint64_t kMostSteps = 2048;

std::uint64_t sum(const std::array<std::uint64_t, kStormRoles>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

StormConduct::StormConduct(const StormOptions& options, StormMemory& memory, const Domain& domain,
                           int domain_fd)
    : options_(options),
      memory_(memory),
      domain_(domain),
      domain_fd_(domain_fd),
      random_(options.seed),
      crew_(memory, static_cast<std::uint32_t>(options.publishers),
            static_cast<std::uint32_t>(options.subscribers)),
      shows_(!options.domain.json && isatty(STDERR_FILENO) == 1) {}

Result<void> StormConduct::run() {
  course_.began_ns = monotonic_ns();
  auto good = begin();
  while (good && !done()) {
    good = event();
    if (pick(5) != 0) rest(pick(kLongestRestUs));
    show();
  }
  course_.ended_ns = monotonic_ns();
  if (shows_) std::fputs("\r\x1b[K", stderr);
  course_.interrupted = end_requested();
  end();
  return good;
}

bool StormConduct::done() const {
  if (end_requested() || !crew_.lives_left()) return true;
  if (memory_->violations_used.load(std::memory_order_relaxed) != 0) return true;
  if (options_.kills != 0) return sum(course_.kills) >= options_.kills;
  return monotonic_ns() - course_.began_ns >= static_cast<std::uint64_t>(options_.seconds.count());
}

Result<void> StormConduct::begin() {
  for (StormSlot& slot : crew_.slots()) {
    if (!slot.always) continue;
    if (auto started = start(slot); !started) return started;
  }
  return {};
}

Result<void> StormConduct::start(StormSlot& slot) {
  auto process = crew_.prepare(slot, kNoLife, false);
  if (!process) return Failure(process.error());
  crew_.fill(slot, *process);
  return {};
}

Result<void> StormConduct::event() {
  const std::uint64_t kind = pick(100);
  if (kind < kKills) return kill_one();
  if (kind >= kKills + kStops) return add_or_send_away();
  stop_one();
  return {};
}

StormRole StormConduct::choose_role() {
  const std::uint64_t kind = pick(100);
  if (kind < kPublisherVictims) return StormRole::publisher;
  if (kind < kPublisherVictims + kSubscriberVictims) return StormRole::subscriber;
  return StormRole::cleaner;
}

StormSlot* StormConduct::choose(StormRole role) {
  std::vector<StormSlot*> there;
  for (StormSlot& slot : crew_.slots()) {
    if (slot.alive() && slot.role == role) there.push_back(&slot);
  }
  return there.empty() ? nullptr : there[pick(there.size())];
}

// The fat process that is there, if any.
StormSlot* StormConduct::fat_one() {
  for (StormSlot& slot : crew_.slots()) {
    if (slot.alive() && memory_->lives[slot.life].fat != 0) return &slot;
  }
  return nullptr;
}

// At most one at a time, so that memory for one is enough.
bool StormConduct::choose_fat() {
  const bool due = starts_++ % kFatEvery == kFirstFat;
  return memory_->settings.fat_bytes != 0 && due && fat_one() == nullptr;
}

Result<void> StormConduct::kill_one() {
  StormSlot* victim = choose(choose_role());
  StormSlot* const fat = fat_one();
  // Once it has taken its place it is the next to go.
  if (fat != nullptr && memory_->participant_of(fat->life).incarnation != 0) victim = fat;
  return victim == nullptr ? Result<void>() : replace(*victim);
}

// The successors are ready before their predecessor dies, so that no process start is in the way of
// what is measured. Where there are two, the first dies while it takes over.
Result<void> StormConduct::replace(StormSlot& slot) {
  const auto heirs = prepare_heirs(slot);  // none: the storm ends
  if (!heirs) return Failure(heirs.error());
  bool first = true;
  for (const StormCrew::Process heir : *heirs) {
    if (!slot.alive() || (first && !stop_before_death(slot))) {
      crew_.discard(heir);
      continue;
    }
    if (!first) {
      rest(pick(kLongestTakeOverUs));
      ++course_.killed_twice;
    }
    succeed(slot, heir);
    first = false;
  }
  return {};
}

Result<std::vector<StormCrew::Process>> StormConduct::prepare_heirs(const StormSlot& slot) {
  std::vector<StormCrew::Process> heirs;
  const bool last = options_.kills != 0 && sum(course_.kills) + 1 == options_.kills;
  const std::size_t wanted = pick(kTwiceEvery) == 0 && !last ? 2 : 1;
  for (std::uint32_t before = slot.life; heirs.size() < wanted; before = heirs.back().life) {
    const bool fat = slot.role != StormRole::cleaner && choose_fat();
    const auto heir = crew_.prepare(slot, before, fat);
    if (!heir) {
      discard(heirs);
      return Failure(heir.error());
    }
    heirs.push_back(*heir);
  }
  const bool ready = std::all_of(heirs.begin(), heirs.end(),
                                 [this](StormCrew::Process heir) { return await_ready(heir); });
  if (!ready) discard(heirs);
  return heirs;
}

void StormConduct::discard(std::vector<StormCrew::Process>& heirs) {
  for (const StormCrew::Process heir : heirs)
    crew_.discard(heir);
  heirs.clear();
}

// One in four is stopped when it dies. False: it has left by itself meanwhile.
bool StormConduct::stop_before_death(StormSlot& slot) {
  if (slot.stopped || pick(4) != 0) return true;
  crew_.stop(slot, ~std::uint64_t{0});
  rest(1000 + pick(kLongestStopUs));
  return slot.alive();
}

StormAim StormConduct::choose_aim(const StormSlot& slot) {
  StormAim aim;
  aim.held = !slot.stopped && pick(4) != 0;
  if (pick(2) == 0) aim.run_on_ns = pick(kLongestRunOnNs);
  aim.steps = static_cast<std::uint32_t>(pick(kMostSteps));
  return aim;
}

// The one in the slot dies, and `heir` has its place.
void StormConduct::succeed(StormSlot& slot, StormCrew::Process heir) {
  const StormLife& victim = memory_->lives[slot.life];
  StormLife& life = memory_->lives[heir.life];
  life.halted_ns = slot.stopped ? slot.stopped_ns : monotonic_ns();
  const KillPoint point = take_aim(slot.pid, victim, choose_aim(slot));
  if (!point.gone) {
    const auto waiting = who_waits_for(slot);
    // Relaxed: the predecessor was chosen before it was started.
    life.go.store(1, std::memory_order_relaxed);
    const Death death = strike(slot.pid, victim, domain_fd_);
    life.kill_ns = death.kill_ns;
    life.alive_ns = death.alive_ns;
    life.lock_free_ns = death.lock_free_ns;
    for (const std::uint32_t publisher : waiting)
      waiting_.push_back({publisher, death.kill_ns, death.alive_ns});
    if (!death.proven) {
      memory_->violate("a killed process keeps its lock: nobody can prove its death");
    }
    count_death(slot, point);
  }
  StormCrew::bury(slot);
  crew_.fill(slot, heir);
}

void StormConduct::count_death(const StormSlot& slot, const KillPoint& point) {
  ++course_.kills[static_cast<std::size_t>(slot.role)];
  course_.points.add(slot.role, point);
  course_.killed_stopped += slot.stopped ? 1 : 0;
  course_.killed_parked += point.parked() ? 1 : 0;
  course_.killed_fat += memory_->lives[slot.life].fat != 0 ? 1 : 0;
  course_.killed_joining += memory_->participant_of(slot.life).incarnation == 0 ? 1 : 0;
}

bool StormConduct::await_ready(StormCrew::Process process) {
  const StormLife& life = memory_->lives[process.life];
  StormPatience patience(memory_->settings.watchdog_ns);
  while (life.ready.load(std::memory_order_relaxed) == 0) {
    if (end_requested()) return false;
    if (patience.over()) {
      memory_->violate("life " + std::to_string(process.life) + " does not begin");
      return false;
    }
    rest(kPumpUs);
  }
  return true;
}

void StormConduct::stop_one() {
  StormSlot* const slot = choose(choose_role());
  if (slot == nullptr || slot->stopped) return;
  crew_.stop(*slot, monotonic_ns() + 1000 * (1000 + pick(kLongestStopUs)));
  ++course_.stops[static_cast<std::size_t>(slot->role)];
}

Result<void> StormConduct::add_or_send_away() {
  std::vector<StormSlot*> guests;
  for (StormSlot& slot : crew_.slots()) {
    if (!slot.always) guests.push_back(&slot);
  }
  StormSlot& slot = *guests[pick(guests.size())];
  if (!slot.alive()) {
    ++course_.added;
    return start(slot);
  }
  if (slot.stopped) return {};
  ++course_.left;
  // Relaxed: it carries no data.
  memory_->lives[slot.life].leave.store(1, std::memory_order_relaxed);
  return {};
}

void StormConduct::rest(std::uint64_t us) {
  const std::uint64_t until_ns = monotonic_ns() + us * 1000;
  do {
    crew_.pump();
    collect();
    nap(std::chrono::microseconds(std::min(us, kPumpUs)));
  } while (monotonic_ns() < until_ns && !end_requested());
}

// Lives of publishers that sleep on this reader at this moment, and on nobody else.
std::vector<std::uint32_t> StormConduct::who_waits_for(const StormSlot& victim) {
  std::vector<std::uint32_t> found;
  const std::uint64_t incarnation = memory_->participant_of(victim.life).incarnation;
  if (victim.role != StormRole::subscriber || victim.channel != 0 || incarnation == 0) return found;
  for (const StormSlot& slot : crew_.slots()) {
    const bool other = slot.role == StormRole::subscriber && slot.channel == 0;
    if (other && slot.stopped && &slot != &victim) return found;
  }
  const auto channel = domain_.find(kStormChannels[0]);
  if (!channel) return found;
  const auto stats = channel->stats();
  if (!stats) return found;
  for (const LaneStats& lane : stats->lanes) {
    if (lane.blocked_on.incarnation != incarnation) continue;
    for (const StormSlot& slot : crew_.slots()) {
      if (!slot.alive() || slot.stopped || slot.role != StormRole::publisher) continue;
      if (memory_->participant_of(slot.life).incarnation != lane.publisher.incarnation) continue;
      StormLife& life = memory_->lives[slot.life];
      life.unblocked_ns.store(0, std::memory_order_relaxed);
      life.watch.store(1, std::memory_order_relaxed);
      found.push_back(slot.life);
    }
  }
  return found;
}

void StormConduct::collect() {
  std::erase_if(waiting_, [&](const Waiting& one) {
    const auto slot = std::find_if(crew_.slots().begin(), crew_.slots().end(),
                                   [&](const StormSlot& each) { return each.life == one.life; });
    // A waiting one that was itself stopped or killed says nothing about the recovery.
    if (slot == crew_.slots().end() || !slot->alive() || slot->stopped ||
        slot->resumed_ns > one.kill_ns) {
      return true;
    }
    const std::uint64_t at_ns =
        memory_->lives[one.life].unblocked_ns.load(std::memory_order_relaxed);
    if (at_ns == 0) return false;
    // What ended before the death was not ended by it.
    if (at_ns > one.kill_ns) {
      course_.reader_recovery_ns.push_back(at_ns > one.alive_ns ? at_ns - one.alive_ns : 0);
    }
    return true;
  });
}

void StormConduct::end() {
  course_.out_of_lives = !crew_.lives_left();
  for (StormSlot& slot : crew_.slots()) {
    if (slot.alive()) crew_.resume(slot);
  }
  course_.absences = crew_.stops();
  memory_->raise(StormPhase::publishers_leave);
  crew_.await_end(StormRole::publisher);
  crew_.await_end(StormRole::cleaner);
  memory_->raise(StormPhase::drain);
  crew_.await_end(StormRole::subscriber);
}

void StormConduct::show() const {
  if (!shows_) return;
  std::fprintf(stderr, "\r%llu kills, %llu stops, %zu distinct points\x1b[K",
               static_cast<unsigned long long>(sum(course_.kills)),
               static_cast<unsigned long long>(sum(course_.stops)),
               static_cast<std::size_t>(course_.points.distinct()));
  std::fflush(stderr);
}

}  // namespace millrace::tools
