// millrace storm: does it hold while everybody is killed, stopped, replaced and joined by others?
#include "millrace/core/domain_directory.hpp"
#include "millrace/core/headroom.hpp"
#include "report.hpp"
#include "scratch_directory.hpp"
#include "storm_child.hpp"
#include "storm_conduct.hpp"
#include "storm_figures.hpp"
#include "storm_options.hpp"
#include "storm_report.hpp"
#include "verbs.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <system_error>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kRingBytes = std::uint64_t{64} << 10;
constexpr std::uint32_t kLanes = 128;
// Long: a machine that starves a storm is no defect of what is tested.
constexpr std::uint64_t kWatchdogNs = 60'000'000'000;
constexpr std::uint64_t kPlantedWatchdogNs = 2'000'000'000;
constexpr std::uint64_t kNoiseNs = 250'000'000;
constexpr Policy kPolicies[] = {Policy::block, Policy::evict, Policy::lossy};

// Beside the domain that was named, not in it: a thousand dead are nothing to leave in a place that
// others use.
Result<Scratch> make_ground(const StormOptions& options) {
  std::string base = options.domain.path;
  if (base.empty()) base = DomainDirectory::default_path();
  while (base.size() > 1 && base.ends_with('/'))
    base.pop_back();
  return Scratch::make(base + "-storm-");
}

Result<void> make_channels(Domain& domain, std::uint32_t channels) {
  for (std::uint32_t each = 0; each < channels; ++each) {
    ChannelOptions options;
    options.ring_bytes = kRingBytes;
    options.policy = kPolicies[each];
    options.lanes_max = kLanes;
    if (auto made = domain.create(kStormChannels[each], options); !made) {
      return Failure(made.error());
    }
  }
  return {};
}

// How much memory a fat victim may have: what was asked for, or an error; the default, or nothing
// and `why_not`.
Result<std::uint64_t> judge_fat(const StormOptions& options, int domain_fd, std::string& why_not) {
  if (options.fat_bytes == 0) return 0;
  auto headroom = measure_headroom(domain_fd, {});
  if (!headroom) return Failure(headroom.error());
  headroom->filesystem_bytes = Headroom::kUnlimited;  // it is memory of a process, not a file
  const auto fits = judge_headroom(*headroom, options.fat_bytes);
  if (fits) return options.fat_bytes;
  const std::string sentence = "no room for a fat victim: " + std::string(fits.error().sentence());
  if (options.fat_asked) {
    return fail(Errc::no_space, "%s, or give --fat less, or 0", sentence.c_str());
  }
  why_not = sentence;
  return 0;
}

// Everybody has left or is proven dead, so `clean` must leave nothing.
void check_nothing_left(StormPage& page, const std::string& path) {
  auto domain = Domain::open({.path = path, .participant = {}, .create = false});
  if (!domain) return page.violate(std::string(domain.error().sentence()));
  const auto cleaned = domain->clean({.channels_too = true});
  if (!cleaned) return page.violate(std::string(cleaned.error().sentence()));
  for (const std::string& kept : cleaned->kept)
    page.violate("could not be removed: " + kept);
  domain = fail(Errc::closed, "done");  // our own participant leaves, too
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name == "participants" || name.starts_with("clock-")) continue;
    page.violate("left behind: " + std::filesystem::relative(entry->path(), path, error).string());
  }
}

void settle(StormPage& page, const StormOptions& options, const std::string& path) {
  StormSettings& settings = page.settings;
  settings.seed = options.seed;
  settings.watchdog_ns =
      options.plant == StormPlant::no_recovery ? kPlantedWatchdogNs : kWatchdogNs;
  settings.parent_pid = getpid();
  settings.channels = static_cast<std::uint32_t>(
      std::min({std::uint64_t{3}, options.publishers, options.subscribers}));
  settings.plant = options.plant;
  std::memcpy(settings.domain.data(), path.c_str(),
              std::min(path.size() + 1, settings.domain.size()));
  settings.domain.back() = '\0';
}

int say(const StormReport& report) {
  if (report.options.domain.json) {
    print_json(to_json(report));
  } else {
    const std::string text = to_text(report);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  return report.ok() ? kGood : kCheckFailed;
}

int storm(const StormOptions& options, const std::string& path) {
  const bool json = options.domain.json;
  auto memory = StormMemory::create();
  if (!memory) return report(memory.error(), json);
  StormPage& page = **memory;
  settle(page, options, path);
  std::optional<Domain> domain;
  {
    auto opened = Domain::open({.path = path, .participant = "storm", .create = true});
    if (!opened) return report(opened.error(), json);
    domain.emplace(std::move(*opened));
  }
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string no_fat;
  const auto fat = judge_fat(options, directory.get(), no_fat);
  if (!fat) return report(fat.error(), json);
  page.settings.fat_bytes = *fat;
  if (auto made = make_channels(*domain, page.settings.channels); !made) {
    return report(made.error(), json);
  }
  if (!json) std::fprintf(stderr, "seed %" PRIu64 "\n", options.seed);
  const std::uint64_t noise_before_ns = noise_floor_ns(kNoiseNs);
  StormConduct conduct(options, *memory, *domain, directory.get());
  if (auto done = conduct.run(); !done) return report(done.error(), json);
  const std::uint64_t noise_after_ns = noise_floor_ns(kNoiseNs);
  domain.reset();
  check_nothing_left(page, path);
  StormFigures figures =
      figures_of(page, conduct.course(), static_cast<std::uint32_t>(options.subscribers));
  return say({options, conduct.course(), std::move(figures), *fat, no_fat, noise_before_ns,
              noise_after_ns, page.sentences()});
}

int run_storm(StormOptions options) {
  if (!options.role.empty()) {
    return live_as_storm_child(options.role, static_cast<std::uint32_t>(options.number));
  }
  const bool json = options.domain.json;
  if (auto sound = check_storm_options(options); !sound) return report(sound.error(), json);
  if (options.seed == 0) options.seed = std::random_device{}();
  auto ground = make_ground(options);
  if (!ground) return report(ground.error(), json);
  return storm(options, ground->path());
}

constexpr const char* kFooter =
    "It makes a domain of its own, which is gone at the end. Publishers and subscribers of all "
    "three\n"
    "policies and a cleaner are killed, stopped, replaced and joined by others at random moments;\n"
    "every message is checked, and every lane for what is missing. Others on the machine make the\n"
    "times longer: the line about the idle spinner says by how much.\n"
    "Exit codes: 0 the promise held, 1 it was broken, 2 bad usage or environment.";

}  // namespace

void add_storm(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<StormOptions>();
  CLI::App* const verb =
      app.add_subcommand("storm", "Kill, stop and replace everybody under load, and check it all");
  add_storm_options(*verb, *options);
  verb->footer(kFooter);
  verb->callback([verb, options, &exit_code] {
    options->fat_asked = verb->count("--fat") != 0;
    exit_code = run_storm(*options);
  });
}

}  // namespace millrace::tools
