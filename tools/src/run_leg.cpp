#include "run_leg.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/topology.hpp"
#include "millrace/persist/device_facts.hpp"
#include "run_channel.hpp"
#include "run_child.hpp"
#include "run_conduct.hpp"
#include "run_journal_check.hpp"
#include "run_page.hpp"
#include "run_processes.hpp"

#include <algorithm>
#include <cstring>
#include <unistd.h>
#include <vector>

namespace millrace::tools {
namespace {

// Stamps of a lane that are kept at most; a power of two.
std::uint32_t stamp_places_for(std::uint64_t ring_bytes) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 16;
  return static_cast<std::uint32_t>(std::min(ring_bytes / 128, kMost));
}

// Where stamps lie that are not to be in the messages: with as many places as stamped messages fit
// into a ring, none is written over before its message has been read.
void place_stamps(RunSettings& settings, std::uint64_t ring_bytes) {
  constexpr std::uint64_t kRecordBytesMin = 8;
  constexpr std::uint32_t kShiftMin = 4;
  settings.stamp_shift = kShiftMin;
  while ((ring_bytes / kRecordBytesMin) >> settings.stamp_shift > settings.stamp_places)
    ++settings.stamp_shift;
}

Result<void> settle(RunSettings& settings, const RunOptions& options, const RunChannel& channel,
                    const RunInput* input) {
  if (channel.domain_path().size() >= settings.domain.size()) {
    return fail(Errc::bad_argument, "the path of the domain is longer than %zu bytes",
                settings.domain.size() - 1);
  }
  std::memcpy(settings.domain.data(), channel.domain_path().data(), channel.domain_path().size());
  std::memcpy(settings.channel.data(), channel.name().data(), channel.name().size());
  settings.parent_pid = getpid();
  settings.policy = static_cast<std::uint32_t>(options.policy);
  settings.order = static_cast<std::uint32_t>(options.order);
  settings.wait = static_cast<std::uint32_t>(options.wait);
  if (settings.stamp_places != 0) place_stamps(settings, options.ring_bytes);
  settings.telemetry = options.telemetry() ? 1 : 0;
  settings.plant = options.plant ? 1 : 0;
  settings.rate = options.rate;
  settings.repeat = options.repeat == 0 ? 1 : options.repeat;
  settings.input_bytes = input == nullptr ? 0 : input->bytes();
  settings.input_lines = input == nullptr ? 0 : input->lines();
  return {};
}

// Where the disk of a journal has no interrupts: whoever spins on such a processor makes every
// durable write wait for its turn.
std::vector<unsigned> quiet_cpus(std::vector<unsigned> cpus, const RunJournalPlace& place) {
  const auto device = device_facts(place.directory());
  if (!device) return cpus;
  std::erase_if(cpus, [&](unsigned cpu) {
    const auto& busy = device->interrupt_cpus;
    return std::find(busy.begin(), busy.end(), cpu) != busy.end();
  });
  return cpus;
}

// A processor for each, if there are enough, one left over for the recorder of a durable run; two
// for the bare ping-pong, if there are two.
void place_all(const RunPage& page, const RunOptions& options, const RunJournalPlace* journal) {
  const auto asked = allowed_cpus();
  const std::vector<unsigned> all = asked ? *asked : std::vector<unsigned>();
  const std::vector<unsigned> cpus = journal == nullptr ? all : quiet_cpus(all, *journal);
  const std::size_t spinners = options.publishers + options.subscribers;
  const std::size_t wanted = spinners + (journal == nullptr ? 0 : 1);
  const bool enough = all.size() > 1 && wanted <= all.size() && spinners <= cpus.size();
  std::size_t next = 0;
  const auto give = [&](ChildWords& words, bool plays) {
    words.cpu = enough ? static_cast<std::int32_t>(cpus[next]) : -1;
    if (enough) ++next;
    words.bare_cpu = -1;
    if (plays && all.size() > 1 && options.subscribers != 0) words.bare_cpu = words.cpu;
  };
  for (std::uint32_t each = 0; each < options.publishers; ++each) {
    page.publisher(each).lane = kNoLane;
    give(page.publisher(each).child, each == 0);
  }
  for (std::uint32_t each = 0; each < options.subscribers; ++each)
    give(page.subscriber(each).child, each == 0);
  if (enough || all.size() < 2 || options.subscribers == 0) return;
  page.publisher(0).child.bare_cpu = static_cast<std::int32_t>(all[0]);
  page.subscriber(0).child.bare_cpu = static_cast<std::int32_t>(all[1]);
}

Result<void> start_all(RunProcesses& processes, const RunOptions& options, const RunPage& page,
                       const RunInput* input) {
  std::vector<int> fds{page.fd()};
  if (input != nullptr) fds.insert(fds.end(), {input->data_fd(), input->lengths_fd()});
  for (std::uint32_t each = 0; each < options.subscribers; ++each) {
    if (auto started = processes.start(RunRole::subscriber, each, {page.fd()}); !started) {
      return started;
    }
  }
  for (std::uint32_t each = 0; each < options.publishers; ++each) {
    if (auto started = processes.start(RunRole::publisher, each, fds); !started) return started;
  }
  return {};
}

// The last count of a publisher that died is some messages old; its lane knows.
void ask_the_lanes_of_the_dead(const RunChannel& channel, const RunCourse& course,
                               const RunPage& page) {
  for (std::uint32_t each = 0; each < course.publisher_died.size(); ++each) {
    PublisherWords& words = page.publisher(each);
    if (!course.publisher_died[each] || words.lane == kNoLane) continue;
    const auto published = channel.published(words.lane);
    if (published) words.published.store(*published, std::memory_order_relaxed);
  }
}

void tell_recorder(RunPage& page, const JournalOptions& options) {
  page.header().settings.durable = 1;
  JournalPage& journal = page.header().recorder.journal;
  std::memcpy(journal.directory.data(), options.directory.data(),
              std::min(options.directory.size(), journal.directory.size() - 1));
  journal.segment_bytes = options.segment_bytes;
  journal.retain_bytes = options.retain.bytes;
  journal.retain_age_ns = options.retain.age.count();
  journal.retain_acknowledged = options.retain.acknowledged ? 1 : 0;
}

// One run of all processes over one channel.
class Leg {
 public:
  Leg(const RunOptions& options, const RunInput* input, const RunJournalPlace* place)
      : options_(options), input_(input), place_(place) {}

  Result<RunLegOutcome> run() {
    auto channel =
        RunChannel::create(options_, place_ == nullptr ? std::string() : place_->directory());
    if (!channel) return Failure(channel.error());
    auto outcome = run_in(*channel);
    if (!outcome) channel->forget_domain();
    return outcome;
  }

 private:
  // The processes of a run end before its channel is removed.
  Result<RunLegOutcome> run_in(RunChannel& channel) {
    auto page = RunPage::create(static_cast<std::uint32_t>(options_.publishers),
                                static_cast<std::uint32_t>(options_.subscribers),
                                place_ == nullptr ? 0 : stamp_places_for(options_.ring_bytes));
    if (!page) return Failure(page.error());
    if (auto set = settle(page->header().settings, options_, channel, input_); !set) {
      return Failure(set.error());
    }
    place_all(*page, options_, place_);
    RunProcesses processes;
    RunConductor conductor(options_, *page, processes);
    const std::uint64_t began_ns = wall_ns();
    if (auto started = start(*page, processes, conductor); !started) {
      channel.clean_up_after_deaths();
      return Failure(started.error());
    }
    const RunCourse course = conductor.conduct();
    if (course.deaths) channel.clean_up_after_deaths();
    ask_the_lanes_of_the_dead(channel, course, *page);
    if (course.refused != Errc{} && course.recorder_refused && !place_->kept()) {
      return RunLegOutcome{std::nullopt, course.refusal};
    }
    if (course.refused != Errc{}) return Failure(Error(course.refused, 0, course.refusal));
    RunLegOutcome outcome{judge(options_, *page, course), {}};
    // Without a first message there is nothing to compare.
    if (place_ != nullptr && page->phase() != RunPhase::start && outcome.result->published != 0) {
      check_run_journal(*page, place_->directory(), place_->kept(), began_ns, *outcome.result);
    }
    return outcome;
  }

  Result<void> start(RunPage& page, RunProcesses& processes, RunConductor& conductor) {
    if (place_ != nullptr) {
      const std::uint64_t times = page.settings().repeat * options_.publishers;
      tell_recorder(page, run_journal_options(options_, *place_,
                                              input_ == nullptr ? 0 : input_->bytes() * times,
                                              input_ == nullptr ? 0 : input_->lines() * times));
      if (auto started = processes.start(RunRole::recorder, 0, {page.fd()}); !started) {
        return started;
      }
      if (!conductor.await_recorder()) return {};
    }
    return start_all(processes, options_, page, input_);
  }

  const RunOptions& options_;
  const RunInput* input_;
  const RunJournalPlace* place_;
};

}  // namespace

std::size_t run_frame_bytes(const RunOptions& options) noexcept {
  if (options.policy == Policy::block) return kStampBytes;
  return kStampBytes + kSealBytes + (options.order == Order::total ? kNumberBytes : 0);
}

Result<RunLegOutcome> run_leg(const RunOptions& options, const RunInput* input,
                              const RunJournalPlace* place) {
  return Leg(options, input, place).run();
}

}  // namespace millrace::tools
