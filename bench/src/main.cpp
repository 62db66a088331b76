// millrace-bench: round trips and streams of two real processes against bare shared memory and
// other rings, in alternating slices. README.md says what each figure means.
#include "bench_report.hpp"
#include "channel_ends.hpp"
#include "pinning.hpp"
#include "restart.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace millrace::bench {

namespace {

struct Options {
  std::string cpus;
  std::uint32_t restarts = 10;
  double seconds = 4;
  std::uint64_t counted = 1'000'000;
  bool quick = false;
  bool smoke = false;
  bool json = false;
  std::string plant = "none";
  std::string dir;
};

constinit volatile std::sig_atomic_t interrupted = 0;

void note_signal(int) {
  interrupted = 1;
}

// Ctrl-C must not leave a domain behind: the call that waits is interrupted, and we end in order.
void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = note_signal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaction(signal, &action, nullptr);
}

// The directory of a run, with a domain for every restart. Gone at the end.
class Scratch {
 public:
  explicit Scratch(const std::string& under) {
    std::error_code ignored;
    std::filesystem::path base = under;
    if (under.empty()) {
      base = std::filesystem::is_directory("/dev/shm", ignored)
                 ? std::filesystem::path("/dev/shm")
                 : std::filesystem::temp_directory_path(ignored);
    }
    std::string text = (base / "millrace-bench-XXXXXX").string();
    if (mkdtemp(text.data()) == nullptr) {
      give_up(fail_os(errno, "cannot make a directory in %s", base.c_str()).error());
    }
    path_ = text;
  }

  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string domain(std::uint32_t number) const {
    return (path_ / std::to_string(number)).string();
  }

 private:
  std::filesystem::path path_;
};

Plant plant_of(const std::string& name) {
  return name == "fence" ? Plant::fence : name == "line" ? Plant::line : Plant::none;
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--cpus", options.cpus, "two processors, A,B (default: the first two allowed)");
  app.add_option("--restarts", options.restarts, "how often to start anew")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000U));
  app.add_option("--seconds", options.seconds, "time of one restart")
      ->capture_default_str()
      ->check(CLI::Range(0.05, 600.0));
  app.add_option("--counted", options.counted, "messages of the counted phase; 0 leaves it out")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{100'000'000}));
  app.add_flag("--quick", options.quick, "3 restarts of 1 s: shows, but judges nothing");
  app.add_flag("--smoke", options.smoke, "everything once, as short as possible: judges nothing");
  app.add_flag("--json", options.json, "one JSON object on stdout instead of the table");
  app.add_option("--plant", options.plant, "a defect on purpose, to see that it shows")
      ->check(CLI::IsMember({"none", "fence", "line"}));
  app.add_option("--dir", options.dir, "where to make the domain (default: shared memory)");
}

// The samples of all restarts; ends the process if one fails.
Result<std::vector<SliceSample>> run_all(const Options& options, const Scratch& scratch,
                                         std::pair<int, int> cpus) {
  std::vector<SliceSample> samples;
  for (std::uint32_t number = 0; number < options.restarts; ++number) {
    if (interrupted != 0) return fail(Errc::system, "interrupted");
    RestartPlan plan;
    plan.domain = scratch.domain(number);
    plan.leader_cpu = cpus.first;
    plan.follower_cpu = cpus.second;
    plan.seconds = options.seconds;
    plan.number = number;
    plan.plant = plant_of(options.plant);
    auto some = run_restart(plan);
    if (!some) return Failure(some.error());
    samples.insert(samples.end(), some->begin(), some->end());
    std::error_code ignored;
    std::filesystem::remove_all(plan.domain, ignored);
    if (isatty(STDERR_FILENO) != 0) {
      (void)std::fprintf(stderr, "\rrestart %u of %u, %zu slices", number + 1, options.restarts,
                         samples.size());
    }
  }
  if (isatty(STDERR_FILENO) != 0) (void)std::fprintf(stderr, "\r%60s\r", "");
  return samples;
}

Result<Report> measure(const Options& options, std::pair<int, int> cpus) {
  const Scratch scratch(options.dir);
  Report report;
  report.leader_cpu = cpus.first;
  report.follower_cpu = cpus.second;
  report.machine = look_at_machine(cpus.first, cpus.second);
  report.restarts = options.restarts;
  report.seconds = options.seconds;
  report.plant = plant_of(options.plant);
  const CpuTicks before = cpu_ticks(cpus.first, cpus.second);
  auto samples = run_all(options, scratch, cpus);
  if (!samples) return Failure(samples.error());
  report.stolen_percent = stolen_percent(before, cpu_ticks(cpus.first, cpus.second));
  report.summary = summarise(*samples);
  if (options.counted == 0) {
    report.counted.refused = "left out (--counted 0)";
    return report;
  }
  auto grounds = Grounds::make(scratch.domain(options.restarts));
  if (!grounds) return Failure(grounds.error());
  report.counted = count_costs(*grounds, {options.counted, cpus.first, cpus.second});
  return report;
}

}  // namespace

}  // namespace millrace::bench

int main(int argc, char** argv) {
  using namespace millrace::bench;
  CLI::App app{
      "Round trips and streams of two processes, beside bare shared memory and other rings.\n"
      "Exit codes: 0 good, 1 a goal was missed, 2 bad usage or environment.",
      "millrace-bench"};
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.quick) {
    options.restarts = 3;
    options.seconds = 1;
  }
  if (options.smoke) {
    options.restarts = 2;
    options.seconds = 0.1;
    options.counted = 50'000;
  }
  catch_signals();
  const auto cpus = choose_cpus(options.cpus);
  if (!cpus) give_up(cpus.error());
  auto report = measure(options, *cpus);
  if (!report) give_up(report.error());
  if (options.json) {
    print_json(*report, stdout);
  } else {
    print_table(*report, stdout);
  }
  return report->exit_code();
}
