#include "pair.hpp"

#include "millrace/bench/slice_statistics.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <sched.h>
#include <utility>

namespace millrace::rivals {

namespace {

constexpr double kReadySeconds = 40;   // a runtime, its service and their discovery
constexpr double kAnswerSeconds = 30;  // a slice is milliseconds, unless it hangs
constexpr std::uint64_t kPartMax = std::uint64_t{1} << 20;
constexpr std::uint64_t kWakePauseNs = 1'000'000;

Result<void> pin_thread(std::uint32_t tid, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(static_cast<pid_t>(tid), sizeof set, &set) != 0) {
    return fail_os(errno, "cannot pin a driver's thread to CPU %d", cpu);
  }
  return {};
}

}  // namespace

std::vector<std::string> driver_command(const Ground& ground, const std::string& program,
                                        std::string_view rival, std::string_view role,
                                        std::string_view pattern, const RowInfo& row,
                                        const std::string& scope) {
  return {program,
          std::string(rival),
          ground.page_path(),
          std::string(role),
          std::string(pattern),
          std::to_string(row.bytes),
          std::to_string(row.receivers),
          scope,
          ground.directory()};
}

Result<Pair> Pair::start(Ground& ground, const RivalInfo& rival, const RowInfo& row) {
  return start_with(ground, ground.program(rival.program), rival.key, rival.in_process, row);
}

Result<Pair> Pair::start_bare(Ground& ground) {
  return start_with(ground, ground.program(kBareProgram), "bare", false, row_list().front());
}

Result<Pair> Pair::start_with(Ground& ground, const std::string& program, std::string_view rival,
                              bool in_process, const RowInfo& row) {
  Pair pair(ground, ground.new_scope(), row.receivers);
  const std::string_view pattern = row.kind == OrderKind::fan_out ? "broadcast" : "pair";
  const auto start_one = [&](std::string_view role) {
    return Child::start(driver_command(ground, program, rival, role, pattern, row, pair.scope_),
                        ground.directory() + "/" + pair.scope_ + "-" + std::string(role) + ".log");
  };
  ground.page().leader_tid = ground.page().follower_tid = 0;
  auto leader = start_one(in_process ? "both" : "leader");
  if (!leader) return Failure(leader.error());
  pair.leader_.emplace(std::move(*leader));
  if (!in_process) {
    auto follower = start_one("follower");
    if (!follower) return Failure(follower.error());
    pair.follower_.emplace(std::move(*follower));
  }
  if (auto ready = Child::await(pair.both(), kReadySeconds); !ready) return Failure(ready.error());
  pair.tids_[0] = ground.page().leader_tid;
  pair.tids_[1] = ground.page().follower_tid;
  if (auto pinned = pair.pin(); !pinned) return Failure(pinned.error());
  return pair;
}

Pair::Pair(Pair&& other) noexcept
    : ground_(std::exchange(other.ground_, nullptr)),
      scope_(std::move(other.scope_)),
      receivers_(other.receivers_),
      leader_(std::move(other.leader_)),
      follower_(std::move(other.follower_)),
      tids_{other.tids_[0], other.tids_[1]},
      last_kind_(other.last_kind_),
      last_ns_(other.last_ns_) {}

Pair::~Pair() {
  if (ground_ == nullptr) return;  // moved from
  follower_.reset();
  leader_.reset();
  ground_->forget(scope_);
}

std::vector<Child*> Pair::both() {
  std::vector<Child*> found{&*leader_};
  if (follower_) found.push_back(&*follower_);
  return found;
}

Result<void> Pair::pin() const {
  if (tids_[0] != 0) {
    if (auto done = pin_thread(tids_[0], ground_->cpus().first); !done) return done;
  }
  if (tids_[1] != 0) return pin_thread(tids_[1], ground_->cpus().second);
  return {};
}

std::uint64_t Pair::part_of(OrderKind kind, double slice_ns) const noexcept {
  if (kind == OrderKind::wake) return 4;  // their time is the pauses
  if (last_ns_ <= 0 || kind != last_kind_) return 8;
  const double each = kind == OrderKind::fan_out ? last_ns_ * kBurst : last_ns_;
  const auto part = static_cast<std::uint64_t>(slice_ns / bench::kSubSlices / each);
  return std::clamp<std::uint64_t>(part, kind == OrderKind::fan_out ? 1 : 4, kPartMax);
}

Result<Slice> Pair::slice(OrderKind kind, double slice_ns) {
  RivalPage& page = ground_->page();
  page.kind = static_cast<std::uint32_t>(kind);
  page.receivers = static_cast<std::uint32_t>(receivers_);
  page.part = part_of(kind, slice_ns);
  page.pause_ns = kWakePauseNs;
  ++page.number;
  if (auto sent = leader_->baton(); !sent) return Failure(sent.error());
  if (follower_) {
    if (auto sent = follower_->baton(); !sent) return Failure(sent.error());
  }
  if (auto done = Child::await(both(), kAnswerSeconds); !done) return Failure(done.error());
  if (page.wrong != 0) {
    return fail(Errc::format, "%llu messages came wrong or out of order",
                static_cast<unsigned long long>(page.wrong));
  }
  last_kind_ = kind;
  last_ns_ = page.mean_ns;
  return Slice{bench::median({page.part_ns, page.part_ns + kParts}), page.mean_ns,
               kind == OrderKind::fan_out ? page.publish_ns : 0};
}

Result<void> Pair::warm_up(OrderKind kind, double slice_ns, double seconds) {
  const auto began = std::chrono::steady_clock::now();
  const std::chrono::duration<double> time(seconds);
  for (int slices = 0; slices < 3 || std::chrono::steady_clock::now() - began < time; ++slices) {
    if (auto done = slice(kind, slice_ns); !done) return Failure(done.error());
  }
  return {};
}

}  // namespace millrace::rivals
