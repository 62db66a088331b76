#include "bench_run.hpp"

#include "channel_ends.hpp"
#include "child.hpp"
#include "millrace/core/clock.hpp"
#include "pinning.hpp"
#include "restart.hpp"
#include "scratch.hpp"
#include "slice_leader.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace millrace::bench {

namespace {

constexpr std::uint32_t kRestarts = 10;
constexpr double kRestartSeconds = 4;

// Marked rows are shown and not judged.
template <class Affects>
void mark(Report& report, const std::string& note, Affects affects) {
  report.notes.push_back(note);
  for (Row& row : report.summary.rows) {
    if (!affects(row)) continue;
    row.marks.push_back(note);
    row.met = Met::inconclusive;
  }
}

// Why no ring can be made on huge pages here; empty if one can. Tried in a process of its own.
std::string no_huge_pages(const std::string& directory) {
  using Words = std::array<char, 512>;
  auto words = SharedPiece<Words>::make();
  if (!words) return std::string(words.error().sentence());
  Child child = Child::run(-1, [&] {
    DomainOptions options;
    options.path = directory;
    const ChannelPlan plan{.name = "huge", .ring_bytes = kLargeRingBytes, .pages = Pages::huge};
    Domain domain = must(Domain::open(options));
    auto channel = domain.channel(plan.name, channel_options(plan));
    std::optional<Error> error;
    if (!channel) error = channel.error();
    if (channel) {
      const auto publisher = channel->publisher({});
      if (!publisher) error = publisher.error();
    }
    if (error)
      (void)std::snprintf((*words)->data(), (*words)->size(), "%s", error->sentence().data());
  });
  if (!child.ended_well()) return "a process that asked for huge pages failed";
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return (*words)->data();
}

// A row that cannot be measured here is in the report all the same.
void add_unmeasured(Report& report, const SubjectSet& subjects, const std::string& why) {
  report.notes.push_back(why);
  for (const SubjectInfo& one : kSubjectInfo) {
    if (!subjects[index(one.subject)]) continue;
    Row row;
    row.name = one.name;
    row.text = one.text;
    row.state = "none";
    row.role = one.role;
    row.goal = one.goal;
    row.has_goal = one.goal > 0;
    row.better = better_of(one);
    row.invalid = why;
    report.summary.rows.push_back(std::move(row));
  }
}

Result<std::vector<SliceSample>> run_restarts(const BenchPlan& plan, const SubjectSet& subjects,
                                              const Scratch& scratch, Report& report) {
  std::vector<SliceSample> samples;
  const Pace pace = pace_of(plan.seconds, plan.restarts);
  report.restarts = pace.restarts;
  report.seconds = pace.seconds;
  RestartPlan restart;
  restart.leader_cpu = plan.cpus[0];
  restart.follower_cpu = plan.cpus[1];
  restart.seconds = pace.seconds;
  restart.subjects = subjects_with_company(subjects);
  restart.pinned = report.pinned;
  for (std::uint32_t number = 0; number < pace.restarts; ++number) {
    if (plan.go_on && !plan.go_on(number, pace.restarts)) return fail(Errc::system, "interrupted");
    restart.number = number;
    restart.domain = scratch / std::to_string(number);
    auto some = run_restart(restart);
    if (!some) return Failure(some.error());
    samples.insert(samples.end(), some->begin(), some->end());
    std::error_code ignored;
    std::filesystem::remove_all(restart.domain, ignored);
  }
  return samples;
}

Result<void> measure_in_slices(const BenchPlan& plan, const Scratch& scratch, Report& report) {
  SubjectSet subjects = plan.choice.subjects;
  const std::size_t huge = index(Subject::stream_64k_huge);
  std::string missing;
  if (subjects[huge]) missing = no_huge_pages(scratch / "huge");
  if (!missing.empty()) subjects.reset(huge);
  if (subjects.any()) {
    auto samples = run_restarts(plan, subjects, scratch, report);
    if (!samples) return Failure(samples.error());
    report.summary = summarise(*samples);
    if (report.summary.rows.empty())
      add_unmeasured(report, subjects, "no two bare slices agreed: the machine is too busy");
  }
  if (!missing.empty()) {
    SubjectSet left_out;
    left_out.set(huge);
    add_unmeasured(report, left_out, "huge pages are absent: " + missing);
  }
  return {};
}

}  // namespace

Pace pace_of(double seconds, std::uint32_t restarts) noexcept {
  if (restarts == 0) {
    const double whole = std::floor(seconds / kRestartSeconds + 1e-9);
    restarts = std::max(kRestarts, static_cast<std::uint32_t>(whole));
  }
  return {restarts, seconds / restarts};
}

void mark_rows(Report& report, bool invariant_tsc) {
  if (!report.pinned) {
    mark(report, "pinning is refused here: the processes may have moved between processors",
         [](const Row& row) { return row.state_bare_ns > 0; });
  }
  if (!invariant_tsc) {
    mark(report, "no invariant time stamp counter: stamps cost a call of the clock",
         [](const Row& row) { return row.name.starts_with("latency/"); });
  }
}

Result<Report> run_bench(const BenchPlan& plan) {
  auto scratch = Scratch::make(plan.directory);
  if (!scratch) return Failure(scratch.error());
  Report report;
  report.choice = plan.choice;
  report.cpus = plan.cpus;
  report.machine = look_at_machine(plan.cpus);
  report.pinned = may_pin(plan.cpus.front());
  const CpuTicks before = cpu_ticks(plan.cpus);
  if (plan.choice.subjects.any() && plan.cpus.size() < 2) {
    add_unmeasured(report, plan.choice.subjects,
                   "this process may use one processor only, CPU " +
                       std::to_string(plan.cpus.front()) + ": rows of two processes are left out");
  } else if (plan.choice.subjects.any()) {
    if (auto measured = measure_in_slices(plan, *scratch, report); !measured)
      return Failure(measured.error());
  }
  SoloPlan solo;
  solo.directory = scratch->path();
  solo.cpus = plan.cpus;
  solo.pinned = report.pinned;
  solo.counted = plan.counted;
  solo.seconds = std::min(2.0, std::max(0.2, plan.seconds / 20));
  for (Row& row : measure_solo(plan.choice.solo, solo)) {
    if (!row.invalid.empty()) report.notes.push_back(row.name + ": " + row.invalid);
    report.summary.rows.push_back(std::move(row));
  }
  mark_rows(report, Clock::local().source() == ClockSource::tsc);
  report.stolen_percent = stolen_percent(before, cpu_ticks(plan.cpus));
  return report;
}

}  // namespace millrace::bench
