#include "kill.hpp"

#include "pair.hpp"
#include "service.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <random>
#include <thread>

namespace millrace::rivals {

namespace {

using std::chrono::duration;
using std::chrono::milliseconds;

constexpr double kReadySeconds = 40;
constexpr std::uint64_t kWarm = 1000;  // messages before anybody is killed
constexpr double kWatchSeconds = 1.5;  // after the kill, at least: queues must have filled
constexpr std::uint64_t kGoesOnNs = 200'000'000;  // a message not older than this

std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void pause_for(double seconds) {
  std::this_thread::sleep_for(duration<double>(seconds));
}

void reset(RivalPage& page, const RowInfo& row) {
  page.kind = static_cast<std::uint32_t>(row.kind);
  for (auto* word : {&page.stop, &page.killed_at_ns, &page.received, &page.last_ns, &page.gap_ns,
                     &page.quiet_gap_ns}) {
    word->store(0, std::memory_order_relaxed);
  }
}

// Three processes; the last one is the victim.
Result<std::vector<Child>> start_all(Ground& ground, const RivalInfo& rival, const RowInfo& row,
                                     const std::string& scope) {
  const bool producer_dies = row.kind == OrderKind::publish;
  const std::vector<std::string> roles =
      producer_dies ? std::vector<std::string>{"consumer", "publisher", "publisher"}
                    : std::vector<std::string>{"consumer", "publisher", "victim"};
  const std::string_view pattern = producer_dies ? "gather" : "broadcast";
  std::vector<Child> children;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    auto child = Child::start(driver_command(ground, ground.program(rival.program), rival.key,
                                             roles[i], pattern, row, scope),
                              ground.directory() + "/" + scope + "-" + std::to_string(i) + ".log");
    if (!child) return Failure(child.error());
    children.push_back(std::move(*child));
  }
  std::vector<Child*> all;
  for (Child& child : children)
    all.push_back(&child);
  if (auto ready = Child::await(all, kReadySeconds); !ready) return Failure(ready.error());
  return children;
}

Result<void> wait_for_flood(const RivalPage& page) {
  for (int tries = 0; page.received.load(std::memory_order_relaxed) < kWarm; ++tries) {
    if (tries == 1000) return fail(Errc::timeout, "no flood of messages began within 10 s");
    pause_for(0.01);
  }
  return {};
}

KillSample watch(const RivalPage& page, std::uint64_t killed_at_ns, double patience_seconds) {
  const auto since_kill = [&] { return static_cast<double>(now_ns() - killed_at_ns) / 1e9; };
  KillSample sample;
  for (;;) {
    pause_for(0.02);
    const std::uint64_t last = page.last_ns.load(std::memory_order_relaxed);
    const std::uint64_t waiting = now_ns() - std::max(last, killed_at_ns);
    const bool goes_on = last > killed_at_ns && waiting < kGoesOnNs;
    sample.gap_ms = static_cast<double>(page.gap_ns.load(std::memory_order_relaxed)) / 1e6;
    if (goes_on && since_kill() > kWatchSeconds) return sample;
    if (since_kill() < patience_seconds) continue;
    sample.still_waiting = !goes_on;
    if (!goes_on) sample.gap_ms = static_cast<double>(waiting) / 1e6;
    return sample;
  }
}

Result<KillSample> kill_in_flood(RivalPage& page, std::vector<Child>& children,
                                 double patience_seconds) {
  for (Child& child : children) {
    if (auto sent = child.baton(); !sent) return Failure(sent.error());
  }
  if (auto flood = wait_for_flood(page); !flood) return Failure(flood.error());
  pause_for(0.3);
  page.quiet_gap_ns.store(0, std::memory_order_relaxed);
  std::random_device random;
  pause_for(0.7 + static_cast<double>(random() % 50'000) / 1e6);
  const std::uint64_t killed_at_ns = now_ns();
  page.killed_at_ns.store(killed_at_ns, std::memory_order_relaxed);
  if (::kill(children.back().pid(), SIGKILL) != 0) return fail_os(errno, "cannot kill a driver");
  const double quiet_ms =
      static_cast<double>(page.quiet_gap_ns.load(std::memory_order_relaxed)) / 1e6;
  KillSample sample = watch(page, killed_at_ns, patience_seconds);
  sample.quiet_gap_ms = quiet_ms;
  return sample;
}

}  // namespace

Result<KillSample> kill_one(Ground& ground, const RivalInfo& rival, const RowInfo& row,
                            double patience_seconds) {
  auto service = start_service(ground, rival);
  if (!service) return Failure(service.error());
  const std::string scope = ground.new_scope();
  reset(ground.page(), row);
  Result<KillSample> sample = fail(Errc::system, "the drivers did not start");
  {
    auto children = start_all(ground, rival, row, scope);
    if (!children) {
      sample = Failure(children.error());
    } else {
      sample = kill_in_flood(ground.page(), *children, patience_seconds);
      for (Child& child : *children)
        child.kill_hard();  // some hang, and none has anything to say
    }
  }
  ground.forget(scope);
  return sample;
}

}  // namespace millrace::rivals
