#include "storm_figures.hpp"

#include "millrace/core/clock.hpp"
#include "signals.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kOutageNs = 10'000'000;
constexpr double kNormal95 = 1.96;

std::uint64_t value(const std::atomic<std::uint64_t>& word) noexcept {
  return word.load(std::memory_order_relaxed);  // whoever wrote it has ended
}

void sort(StormTimes& times) {
  std::sort(times.ns.begin(), times.ns.end());
}

void add_recovery(StormRecovery& recovery, const StormLife& life) {
  const std::uint64_t detected = value(life.detected_ns);
  const std::uint64_t repaired = value(life.repaired_ns);
  // The last moment at which anybody saw the lock held.
  const std::uint64_t free = std::max(life.alive_ns, value(life.still_ns));
  recovery.detect.add(free, detected);
  recovery.repair.add(detected, repaired);
  recovery.message.add(repaired, value(life.first_seen_ns));
  recovery.whole.add(free, value(life.first_seen_ns));
}

// Who was away, and when: stopped, held, or dead and not yet replaced.
std::vector<StormAbsence> absences_of(const StormPage& page, const StormCourse& course,
                                      std::uint32_t lives) {
  std::vector<StormAbsence> all = course.absences;
  for (std::uint32_t each = 0; each < lives; ++each) {
    const StormLife& life = page.lives[each];
    if (life.halted_ns == 0 || life.role == StormRole::cleaner) continue;
    // Who never came into its place was followed by another, whose absence goes on.
    const std::uint64_t place_ns = std::max(life.kill_ns, value(life.repaired_ns));
    all.push_back({life.role, life.slot, life.channel, life.halted_ns,
                   std::max(place_ns, value(life.first_message_ns))});
  }
  return all;
}

// A message waits for its readers and, where the ring is full, its publisher does: then the time
// of a recovery says when somebody else came back.
bool was_alone(const std::vector<StormAbsence>& absences, const StormLife& life) {
  const std::uint64_t seen_ns = value(life.first_seen_ns);
  return std::none_of(absences.begin(), absences.end(), [&](const StormAbsence& one) {
    const bool itself = one.role == life.role && one.slot == life.slot;
    return !itself && one.channel == life.channel && one.from_ns < seen_ns &&
           one.to_ns > life.kill_ns;
  });
}

void count_publisher(StormFigures& figures, const StormLife& life,
                     const std::vector<StormAbsence>& absences) {
  figures.published +=
      std::max(value(life.published), value(life.first_sequence)) - value(life.first_sequence);
  figures.aborted += value(life.aborted);
  const bool followed = life.predecessor != kNoLife && life.lock_free_ns != 0;
  if (!followed || value(life.first_seen_ns) == 0) return;
  add_recovery(life.named != 0 ? figures.named : figures.unnamed, life);
  add_recovery(figures.both, life);
  if (was_alone(absences, life)) add_recovery(figures.alone, life);
}

// Parent and successor both look; the first that saw it free was nearest.
void count_death(StormFigures& figures, const StormPage& page, const StormLife& life) {
  if (life.predecessor == kNoLife || life.lock_free_ns == 0) return;
  const std::uint64_t detected = value(life.detected_ns);
  const std::uint64_t free =
      detected == 0 ? life.lock_free_ns : std::min(life.lock_free_ns, detected);
  const bool fat = page.lives[life.predecessor].fat != 0;
  (fat ? figures.fat_lock_free : figures.lock_free).add(life.kill_ns, free);
}

void count_subscriber(StormFigures& figures, const StormLife& life) {
  figures.messages += value(life.received);
  figures.told_lost += value(life.lost);
  figures.evictions += value(life.evictions);
  if (life.predecessor != kNoLife && value(life.first_message_ns) != 0) ++figures.rejoined;
}

// What a lane's last life had begun to publish is there or not; everything before it is.
void check_continuation(StormPage& page, std::uint32_t lives) {
  std::map<std::uint32_t, const StormLife*> last;
  for (std::uint32_t each = 0; each < lives; ++each) {
    const StormLife& life = page.lives[each];
    if (life.role != StormRole::publisher || life.named == 0 || value(life.repaired_ns) == 0) {
      continue;
    }
    const StormLife*& before = last[life.slot];
    const std::uint64_t first = value(life.first_sequence);
    // A life that died before it had looked at its lane says nothing.
    if (value(life.intended) == 0 && value(life.published) == 0 && first == 0 && before != nullptr)
      continue;
    // It may have died between the stores of these words.
    const std::uint64_t from = before == nullptr ? 0 : value(before->first_sequence);
    const std::uint64_t least = before == nullptr ? 0 : std::max(from, value(before->published));
    const std::uint64_t most = before == nullptr ? 0 : std::max(from, value(before->intended));
    if (first < least || first > most) {
      page.violate("publisher " + storm_publisher_name(life.slot) + " (life " +
                   std::to_string(each) + ") went on at " + std::to_string(first) +
                   ", and its last life had published " + std::to_string(least) + " to " +
                   std::to_string(most) + " messages");
    }
    before = &life;
  }
}

void add_outage(StormAvailability& one, double seconds, double& squares) {
  ++one.outages;
  one.down_seconds += seconds;
  squares += seconds * seconds;
}

StormAvailability availability_of(const StormPage& page, std::uint32_t subscriber,
                                  std::uint32_t lives, std::uint64_t end_ns) {
  StormAvailability one;
  one.subscriber = subscriber;
  one.policy = kStormChannels[subscriber % page.settings.channels];
  double squares = 0;
  std::uint64_t first_ns = 0;
  std::uint64_t last_ns = 0;
  for (std::uint32_t each = 0; each < lives; ++each) {
    const StormLife& life = page.lives[each];
    if (life.role != StormRole::subscriber || life.slot != subscriber) continue;
    const std::uint64_t begins_ns = value(life.first_message_ns);
    if (begins_ns == 0) continue;
    if (first_ns == 0) first_ns = begins_ns;
    if (last_ns != 0 && begins_ns > last_ns + kOutageNs) {
      add_outage(one, static_cast<double>(begins_ns - last_ns) / 1e9, squares);
    }
    one.outages += value(life.outages);
    one.down_seconds += static_cast<double>(value(life.outage_ns)) / 1e9;
    squares += static_cast<double>(value(life.outage_squares_us2)) / 1e12;
    last_ns = std::max(last_ns, value(life.last_message_ns));
  }
  if (first_ns == 0 || end_ns <= first_ns) return one;
  if (end_ns > last_ns + kOutageNs) {
    add_outage(one, static_cast<double>(end_ns - last_ns) / 1e9, squares);
  }
  one.seconds = static_cast<double>(std::max(end_ns, last_ns) - first_ns) / 1e9;
  one.availability = std::max(0.0, 1 - one.down_seconds / one.seconds);
  const double half = kNormal95 * std::sqrt(squares) / one.seconds;
  one.low = std::max(0.0, one.availability - half);
  one.high = std::min(1.0, one.availability + half);
  return one;
}

void sort(StormRecovery& recovery) {
  sort(recovery.detect);
  sort(recovery.repair);
  sort(recovery.message);
  sort(recovery.whole);
}

}  // namespace

std::uint64_t StormTimes::percentile(double percent) const noexcept {
  if (ns.empty()) return 0;
  const double rank = std::ceil(percent / 100 * static_cast<double>(ns.size()));
  return ns[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

StormFigures figures_of(StormPage& page, const StormCourse& course, std::uint32_t subscribers) {
  StormFigures figures;
  const std::uint32_t lives = page.lives_used.load(std::memory_order_relaxed);
  figures.lives = lives;
  const auto absences = absences_of(page, course, lives);
  for (std::uint32_t each = 0; each < lives; ++each) {
    const StormLife& life = page.lives[each];
    figures.retries += value(life.retries);
    count_death(figures, page, life);
    if (life.role == StormRole::publisher) count_publisher(figures, life, absences);
    if (life.role == StormRole::subscriber) count_subscriber(figures, life);
  }
  check_continuation(page, lives);
  figures.readers.ns = course.reader_recovery_ns;
  for (StormTimes* times : {&figures.lock_free, &figures.fat_lock_free, &figures.readers})
    sort(*times);
  for (StormRecovery* recovery : {&figures.named, &figures.unnamed, &figures.both, &figures.alone})
    sort(*recovery);
  for (std::uint32_t each = 0; each < subscribers; ++each)
    figures.availability.push_back(availability_of(page, each, lives, course.ended_ns));
  return figures;
}

std::uint64_t noise_floor_ns(std::uint64_t for_ns) noexcept {
  const std::uint64_t began_ns = monotonic_ns();
  std::uint64_t last_ns = began_ns;
  std::uint64_t largest_ns = 0;
  while (last_ns - began_ns < for_ns && !end_requested()) {
    const std::uint64_t now_ns = monotonic_ns();
    largest_ns = std::max(largest_ns, now_ns - last_ns);
    last_ns = now_ns;
  }
  return largest_ns;
}

}  // namespace millrace::tools
