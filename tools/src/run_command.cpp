// `millrace run`: the main job. It starts itself as publishers and subscribers, brings real input
// through the rings, and checks it to the last byte.
#include "millrace/core/topology.hpp"
#include "report.hpp"
#include "run_channel.hpp"
#include "run_child.hpp"
#include "run_conduct.hpp"
#include "run_input.hpp"
#include "run_options.hpp"
#include "run_page.hpp"
#include "run_processes.hpp"
#include "run_result.hpp"
#include "run_telemetry.hpp"
#include "verbs.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <unistd.h>

namespace millrace::tools {
namespace {

// What a message carries before its payload.
std::size_t frame_bytes(const RunOptions& options) {
  return kStampBytes + (options.policy == Policy::block ? 0 : kSealBytes);
}

Result<std::optional<RunInput>> prepare_input(const RunOptions& options) {
  if (options.telemetry()) {
    if (auto readable = Telemetry::open(); !readable) return Failure(readable.error());
    return std::optional<RunInput>();
  }
  auto input = RunInput::open(options.input);
  if (!input) return Failure(input.error());
  if (auto read = input->read(); !read) return Failure(read.error());
  if (auto fits = input->check_fits(options.ring_bytes, frame_bytes(options)); !fits) {
    return Failure(fits.error());
  }
  return std::optional<RunInput>(std::move(*input));
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
  settings.wait = static_cast<std::uint32_t>(options.wait);
  settings.telemetry = options.telemetry() ? 1 : 0;
  settings.plant = options.plant ? 1 : 0;
  settings.rate = options.rate;
  settings.repeat = options.repeat == 0 ? 1 : options.repeat;
  settings.input_bytes = input == nullptr ? 0 : input->bytes();
  settings.input_lines = input == nullptr ? 0 : input->lines();
  return {};
}

// A processor for each, if there are enough; two for the bare ping-pong, if there are two.
void place(const RunPage& page, const RunOptions& options) {
  const auto asked = allowed_cpus();
  const std::vector<unsigned> cpus = asked ? *asked : std::vector<unsigned>();
  const bool enough = cpus.size() > 1 && options.publishers + options.subscribers <= cpus.size();
  std::size_t next = 0;
  const auto give = [&](ChildWords& words, bool plays) {
    words.cpu = enough ? static_cast<std::int32_t>(cpus[next]) : -1;
    if (enough) ++next;
    words.bare_cpu = -1;
    if (plays && cpus.size() > 1 && options.subscribers != 0) words.bare_cpu = words.cpu;
  };
  for (std::uint32_t each = 0; each < options.publishers; ++each) {
    page.publisher(each).lane = kNoLane;
    give(page.publisher(each).child, each == 0);
  }
  for (std::uint32_t each = 0; each < options.subscribers; ++each)
    give(page.subscriber(each).child, each == 0);
  if (enough || cpus.size() < 2 || options.subscribers == 0) return;
  page.publisher(0).child.bare_cpu = static_cast<std::int32_t>(cpus[0]);
  page.subscriber(0).child.bare_cpu = static_cast<std::int32_t>(cpus[1]);
}

Result<void> start_all(RunProcesses& processes, const RunOptions& options, const RunPage& page,
                       const RunInput* input) {
  std::vector<int> fds{page.fd()};
  if (input != nullptr) fds.insert(fds.end(), {input->data_fd(), input->lengths_fd()});
  for (std::uint32_t each = 0; each < options.subscribers; ++each) {
    if (auto started = processes.start(false, each, {page.fd()}); !started) return started;
  }
  for (std::uint32_t each = 0; each < options.publishers; ++each) {
    if (auto started = processes.start(true, each, fds); !started) return started;
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

// The processes of a run end before its channel is removed.
Result<RunResult> run_in(RunChannel& channel, const RunOptions& options, const RunInput* input) {
  auto page = RunPage::create(static_cast<std::uint32_t>(options.publishers),
                              static_cast<std::uint32_t>(options.subscribers));
  if (!page) return Failure(page.error());
  if (auto set = settle(page->header().settings, options, channel, input); !set) {
    return Failure(set.error());
  }
  place(*page, options);
  RunProcesses processes;
  if (auto started = start_all(processes, options, *page, input); !started) {
    channel.clean_up_after_deaths();
    return Failure(started.error());
  }
  const RunCourse course = RunConductor(options, *page, processes).conduct();
  if (course.deaths) channel.clean_up_after_deaths();
  ask_the_lanes_of_the_dead(channel, course, *page);
  if (course.refused != Errc{}) return Failure(Error(course.refused, 0, course.refusal));
  return judge(options, *page, course);
}

Result<RunResult> run(const RunOptions& options) {
  if (auto sound = check_run_options(options); !sound) return Failure(sound.error());
  auto input = prepare_input(options);
  if (!input) return Failure(input.error());
  auto channel = RunChannel::create(options);
  if (!channel) return Failure(channel.error());
  auto result = run_in(*channel, options, input->has_value() ? &**input : nullptr);
  if (!result) channel->forget_domain();
  return result;
}

int run_verb(const RunOptions& options) {
  if (!options.role.empty()) {
    return live_as_run_child(options.role, static_cast<std::uint32_t>(options.number));
  }
  const auto result = run(options);
  if (!result) return report(result.error(), options.domain.json);
  if (options.domain.json) {
    print_json(to_json(options, *result));
  } else {
    const std::string text = to_text(options, *result);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  return result->ok ? kGood : kCheckFailed;
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  CLI::App* const verb = app.add_subcommand(
      "run", "Bring real input through real processes, and check it to the last byte");
  const auto options = std::make_shared<RunOptions>();
  add_run_options(*verb, *options);
  verb->callback([options, &exit_code] { exit_code = run_verb(*options); });
}

}  // namespace millrace::tools
