#include "millrace/bench/load_run.hpp"

#include "load_channel.hpp"
#include "load_page.hpp"
#include "load_processes.hpp"
#include "millrace/core/domain_directory.hpp"

#include <cmath>
#include <utility>

namespace millrace::bench {

namespace {

constexpr double kGraceSeconds = 60;

Result<void> run_processes(const LoadPlan& plan, const LoadPage& page, const LoadChannel& channel) {
  LoadProcesses processes;
  const std::string& name = channel.name();
  if (!plan.journal.empty()) {
    if (auto started = processes.start("recorder", page.words().recorder,
                                       [&] { return live_as_load_recorder(plan, page, name); });
        !started) {
      return started;
    }
    if (auto there = processes.await_ready(page.words().recorder, kGraceSeconds); !there)
      return there;
  }
  if (auto started = processes.start("subscriber", page.words().subscriber,
                                     [&] { return live_as_load_subscriber(plan, page, name); });
      !started) {
    return started;
  }
  if (auto started = processes.start("publisher", page.words().publisher,
                                     [&] { return live_as_load_publisher(plan, page, name); });
      !started) {
    return started;
  }
  // An overloaded receiver takes as long as its work does, and that is asked of it.
  const double handler_ns =
      plan.handler.ns > 0 ? plan.handler.ns : static_cast<double>(plan.handler.iterations) * 4;
  const double busy = static_cast<double>(page.messages()) * handler_ns / 1e9;
  const double factor = plan.plant == LoadPlant::slow ? 2 : 1;
  return processes.finish(plan.seconds + factor * busy + kGraceSeconds, plan.give_up);
}

// Ticks of the run as nanoseconds since its beginning; 0 stays "none".
class Converter {
 public:
  Converter(const Clock& clock, std::uint64_t origin_ticks)
      : clock_(clock), origin_(origin_ticks) {}

  [[nodiscard]] std::uint64_t at(std::uint64_t ticks) const noexcept {
    return ticks <= origin_ ? 0 : clock_.duration_ns(ticks - origin_);
  }

  [[nodiscard]] std::vector<std::uint64_t> all(std::span<const std::uint64_t> ticks) const {
    std::vector<std::uint64_t> times;
    times.reserve(ticks.size());
    for (const std::uint64_t one : ticks)
      times.push_back(at(one));
    return times;
  }

  [[nodiscard]] std::vector<Gap> gaps(std::span<const Gap> gaps) const {
    std::vector<Gap> times;
    times.reserve(gaps.size());
    for (const Gap& one : gaps)
      times.push_back({at(one.begin), clock_.duration_ns(one.length)});
    return times;
  }

 private:
  const Clock& clock_;
  std::uint64_t origin_;
};

void collect_slices(const LoadPage& page, const Converter& convert, LoadEvidence& evidence) {
  for (std::size_t each = 0; each < page.slices().size(); ++each) {
    const SlicePlan& plan = page.slices()[each];
    const SliceWords& words = page.slice_words()[each];
    if (evidence.bare_ns.empty() && words.bare_before_ns > 0)
      evidence.bare_ns.push_back(words.bare_before_ns);
    if (words.bare_after_ns > 0) evidence.bare_ns.push_back(words.bare_after_ns);
    evidence.slices.push_back({plan.kind, plan.first, plan.count, words.bare_before_ns,
                               words.bare_after_ns, convert.at(words.begin_ticks),
                               convert.at(words.end_ticks), words.publisher, words.subscriber,
                               words.stolen.stolen, words.stolen.all});
  }
}

LoadEvidence collect(const LoadPage& page, const Clock& clock, std::uint32_t restart) {
  using Stamp = LoadPage::Stamp;
  const LoadWords& words = page.words();
  const Converter convert(clock, words.origin_ticks);
  LoadEvidence evidence;
  evidence.restart = restart;
  evidence.origin_ns = clock.to_ns(words.origin_ticks);
  evidence.intended = convert.all(page.stamps(Stamp::intended));
  evidence.began = convert.all(page.stamps(Stamp::began));
  evidence.published = convert.all(page.stamps(Stamp::published));
  evidence.visible = convert.all(page.stamps(Stamp::visible));
  evidence.processed = convert.all(page.stamps(Stamp::processed));
  evidence.durable = convert.all(page.stamps(Stamp::durable));
  evidence.publisher_gaps = convert.gaps(page.publisher_gaps().first(words.publisher.gaps));
  evidence.subscriber_gaps = convert.gaps(page.subscriber_gaps().first(words.subscriber.gaps));
  evidence.gaps_lost = words.publisher.gaps_lost + words.subscriber.gaps_lost;
  collect_slices(page, convert, evidence);
  evidence.counts = words.counts;
  for (const std::uint64_t one : evidence.visible)
    evidence.counts.lost += one == 0 ? 1 : 0;
  evidence.publisher_ns = words.publisher.last_ns - words.publisher.first_ns;
  evidence.subscriber_ns = words.subscriber.last_ns - words.subscriber.first_ns;
  evidence.enqueue_ns = std::isfinite(words.enqueue_ns) ? words.enqueue_ns : 0;
  evidence.clock = clock.report();
  evidence.device = words.device.data();
  return evidence;
}

}  // namespace

Result<LoadEvidence> run_load(const LoadPlan& plan, std::uint32_t restart) {
  if (auto sound = check_plan(plan); !sound) return Failure(sound.error());
  const auto page = LoadPage::make(plan);
  if (!page) return Failure(page.error());
  const auto channel = LoadChannel::create(plan);
  if (!channel) return Failure(channel.error());
  if (auto done = run_processes(plan, *page, *channel); !done) return Failure(done.error());
  const auto directory = DomainDirectory::open(plan.domain, false);
  if (!directory) return Failure(directory.error());
  const auto clock = Clock::open(directory->fd());
  if (!clock) return Failure(clock.error());
  return collect(*page, *clock, restart);
}

}  // namespace millrace::bench
