#include "storm_child.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/liveness.hpp"
#include "millrace/core/participant_info.hpp"
#include "report.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr std::chrono::microseconds kLook{100};
constexpr std::chrono::microseconds kBetweenProbes{20};
constexpr std::chrono::milliseconds kBetweenTries{1};
constexpr std::chrono::milliseconds kBetweenCleanings{15};

// A process with much memory takes the kernel long to tear down: its locks are free that much
// later.
bool grow_fat(std::uint64_t bytes) noexcept {
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (at == MAP_FAILED) return false;
  return madvise(at, bytes, MADV_DONTDUMP) == 0;
}

bool passes(Errc code) noexcept {
  return code == Errc::busy || code == Errc::too_many || code == Errc::not_found ||
         code == Errc::no_space;
}

void follow_parent() noexcept {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(signal, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1);
}

Result<void> live(StormPage& page, std::uint32_t number) {
  StormLife& life = page.lives[number];
  life.program_anchor = reinterpret_cast<std::uint64_t>(&live_as_storm_child);
  life.library_anchor = reinterpret_cast<std::uint64_t>(&::getppid);
  if (life.fat != 0 && !grow_fat(page.settings.fat_bytes)) {
    return fail_os(errno, "cannot map the memory of a fat process");
  }
  const std::string path = page.settings.domain.data();
  const std::string name = std::string("storm-") + to_string(life.role);
  auto domain = Domain::open({.path = path, .participant = name, .create = false});
  if (!domain) return Failure(domain.error());
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return fail_os(errno, "cannot open %s", path.c_str());
  StormChild child{page,
                   life,
                   number,
                   directory.get(),
                   std::move(*domain),
                   std::mt19937_64(page.settings.seed * kStormLives + number)};
  switch (life.role) {
    case StormRole::publisher: publish_in_storm(child); break;
    case StormRole::subscriber: subscribe_in_storm(child); break;
    case StormRole::cleaner: clean_in_storm(child); break;
  }
  return {};
}

}  // namespace

std::string StormChild::who() const {
  const std::string channel =
      life.role == StormRole::cleaner ? "" : std::string(" of ") + kStormChannels[life.channel];
  return std::string(to_string(life.role)) + " " + std::to_string(life.slot) + channel + " (life " +
         std::to_string(number) + ")";
}

bool StormChild::asked_to_leave() const noexcept {
  // Relaxed: they carry no data.
  return life.leave.load(std::memory_order_relaxed) != 0 || page.phase_now() != StormPhase::running;
}

bool StormChild::await_turn() const {
  life.ready.store(1, std::memory_order_relaxed);
  // Relaxed: the predecessor was chosen before this process was made.
  while (life.go.load(std::memory_order_relaxed) == 0) {
    if (asked_to_leave()) return false;
    std::this_thread::sleep_for(kLook);
  }
  const ParticipantName before = page.participant_of(life.predecessor);
  for (std::uint64_t now_ns = monotonic_ns();
       before.incarnation != 0 && probe(domain_fd, before).life == Life::alive;
       now_ns = monotonic_ns()) {
    if (asked_to_leave()) return false;
    life.still_ns.store(now_ns, std::memory_order_relaxed);
    std::this_thread::sleep_for(kBetweenProbes);
  }
  life.detected_ns.store(monotonic_ns(), std::memory_order_relaxed);
  // The planted defect: nobody ever goes on for the dead one.
  while (settings().plant == StormPlant::no_recovery && life.predecessor != kNoLife) {
    if (asked_to_leave()) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

bool StormChild::insist(const std::function<Result<void>()>& make) const {
  life.began_ns.store(monotonic_ns(), std::memory_order_relaxed);
  for (;;) {
    const auto made = make();
    if (made) break;
    if (!passes(made.error().code())) {
      page.violate(who() + ": " + std::string(made.error().sentence()));
      return false;
    }
    if (asked_to_leave()) return false;
    life.retries.fetch_add(1, std::memory_order_relaxed);
    std::this_thread::sleep_for(kBetweenTries);
  }
  life.repaired_ns.store(monotonic_ns(), std::memory_order_relaxed);
  return true;
}

void StormChild::introduce() const {
  for (const ParticipantInfo& info : list_participants(domain_fd)) {
    if (!info.alive() || info.pid != static_cast<std::uint32_t>(getpid())) continue;
    life.participant_id.store(info.id.id, std::memory_order_relaxed);
    // [sync:storm-participant] Release. Without it an incarnation could be seen with id 0.
    life.incarnation.store(info.id.incarnation, std::memory_order_release);
  }
}

// Whoever repairs may die in the middle of it.
void clean_in_storm(StormChild& child) {
  if (!child.await_turn()) return;
  child.life.began_ns.store(monotonic_ns(), std::memory_order_relaxed);
  while (!child.asked_to_leave()) {
    const auto cleaned = child.domain.clean();
    if (!cleaned)
      return child.page.violate(child.who() + ": " + std::string(cleaned.error().sentence()));
    child.life.received.fetch_add(1, std::memory_order_relaxed);
    std::this_thread::sleep_for(kBetweenCleanings);
  }
}

int live_as_storm_child(std::string_view role, std::uint32_t life) {
  follow_parent();
  auto memory = StormMemory::attach(kStormPageFd);
  if (!memory) return report(memory.error(), false);
  StormPage& page = **memory;
  if (getppid() != page.settings.parent_pid) return kCheckFailed;
  if (life >= kStormLives || role != to_string(page.lives[life].role)) return kBadEnvironment;
  const auto lived = live(page, life);
  if (lived) return kGood;
  page.violate("life " + std::to_string(life) + ": " + std::string(lived.error().sentence()));
  return kCheckFailed;
}

}  // namespace millrace::tools
