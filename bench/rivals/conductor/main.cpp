// millrace-bench-rivals: Millrace and others, each in processes of its own, between slices of bare
// words on the same two processors. README.md says what the figures mean.
#include "pinning.hpp"
#include "rival_report.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <unistd.h>

namespace millrace::rivals {

namespace {

struct Options {
  std::vector<std::string> rows;
  std::vector<std::string> rivals;
  std::string cpus;
  std::string programs;
  std::uint32_t restarts = 5;
  double seconds = 1;
  std::uint32_t kills = 10;
  double patience = 30;
  bool smoke = false;
  bool list = false;
  bool json = false;
};

constinit volatile std::sig_atomic_t interrupted = 0;

void note_signal(int) {
  interrupted = 1;
}

// Ctrl-C must leave nothing behind: whoever waits is interrupted, and we end in order.
void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = note_signal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;  // a driver that has died is said by its answer pipe
  sigaction(SIGPIPE, &action, nullptr);
}

[[noreturn]] void refuse(const std::string& sentence) {
  (void)std::fprintf(stderr, "millrace-bench-rivals: %s\n", sentence.c_str());
  std::exit(2);
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("ROW", options.rows, "rows to run (default: all); --list names them");
  app.add_option("--rival", options.rivals, "who takes part (default: everybody installed)")
      ->delimiter(',');
  app.add_option("--cpus", options.cpus, "two processors, A,B (default: the first two allowed)");
  app.add_option("--programs", options.programs,
                 "where the drivers are (default: `rivals` beside this program)");
  app.add_option("--restarts", options.restarts, "how often each pair is started anew")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000U));
  app.add_option("--seconds", options.seconds, "time of one restart, after it has warmed up")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 600.0));
  app.add_option("--kills", options.kills, "how often somebody is killed, in the kill rows")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000U));
  app.add_option("--patience", options.patience, "seconds to wait for those who do not go on")
      ->capture_default_str()
      ->check(CLI::Range(2.0, 600.0));
  app.add_flag("--smoke", options.smoke, "everything once, as short as possible: judges nothing");
  app.add_flag("--list", options.list, "the rows, and who takes part or why not");
  app.add_flag("--json", options.json, "one JSON object on stdout instead of the table");
}

std::vector<const RowInfo*> chosen_rows(const Options& options) {
  std::vector<const RowInfo*> chosen;
  for (const RowInfo& row : row_list()) {
    const auto& wish = options.rows;
    if (wish.empty() || std::find(wish.begin(), wish.end(), row.name) != wish.end())
      chosen.push_back(&row);
  }
  for (const std::string& wish : options.rows) {
    const auto all = row_list();
    if (std::none_of(all.begin(), all.end(), [&](const RowInfo& row) { return row.name == wish; }))
      refuse("there is no row '" + wish + "'; --list names them");
  }
  return chosen;
}

std::vector<const RivalInfo*> chosen_rivals(const Options& options) {
  std::vector<const RivalInfo*> chosen;
  for (const RivalInfo& rival : rival_list()) {
    const auto& wish = options.rivals;
    if (wish.empty() || std::find(wish.begin(), wish.end(), rival.key) != wish.end())
      chosen.push_back(&rival);
  }
  for (const std::string& wish : options.rivals) {
    if (find_rival(wish) == nullptr) refuse("there is no rival '" + wish + "'; --list names them");
  }
  return chosen;
}

int print_list(const Ground& ground) {
  std::puts("ROWS");
  for (const RowInfo& row : row_list())
    std::printf("  %-16s %s\n", std::string(row.name).c_str(), std::string(row.says).c_str());
  std::puts("RIVALS");
  for (const RivalInfo& rival : rival_list()) {
    std::printf("  %-16s %-52s %s%s\n", std::string(rival.key).c_str(),
                std::string(rival.title).c_str(),
                ground.installed(rival) ? "there" : "not there: it needs ",
                ground.installed(rival) ? "" : std::string(rival.needs).c_str());
  }
  return 0;
}

void say_progress(const RivalInfo& rival, const RowInfo& row, std::uint32_t number) {
  if (isatty(STDERR_FILENO) == 0) return;
  (void)std::fprintf(stderr, "\r%-14s %-52s %3u ", std::string(row.name).c_str(),
                     std::string(rival.title).c_str(), number);
}

// Runs rows and collects what came of them.
class Run {
 public:
  Run(Ground& ground, const Options& options, RivalReport& report)
      : ground_(ground), options_(options), report_(report) {}

  void one(const RivalInfo& rival, const RowInfo& row) {
    if (!takes_part(rival, row)) return;
    if (!ground_.installed(rival)) {
      return miss(rival, row, "not installed: it needs " + std::string(rival.needs));
    }
    row.is_kill() ? kill_some(rival, row) : measure_some(rival, row);
  }

  // A rival whose slices all fell between bare slices that disagree has no line; say so.
  void finish() {
    report_.rows = summarise(samples_);
    const RivalSample* last = nullptr;
    for (const RivalSample& sample : samples_) {
      const bool seen = last != nullptr && last->rival == sample.rival && last->row == sample.row;
      last = &sample;
      if (!seen && !has_line(sample)) {
        miss(*sample.rival, *sample.row, "no two bare slices around it agreed: run it for longer");
      }
    }
  }

 private:
  [[nodiscard]] bool has_line(const RivalSample& sample) const {
    return std::any_of(report_.rows.begin(), report_.rows.end(), [&](const RivalRow& row) {
      return row.rival == sample.rival && row.row == sample.row;
    });
  }

  void miss(const RivalInfo& rival, const RowInfo& row, std::string why) {
    report_.missing.push_back({&rival, &row, std::move(why)});
  }

  void measure_some(const RivalInfo& rival, const RowInfo& row) {
    for (std::uint32_t number = 0; number < options_.restarts && interrupted == 0; ++number) {
      say_progress(rival, row, number + 1);
      auto some = measure(ground_, rival, row, options_.seconds, number);
      if (!some) return miss(rival, row, std::string(some.error().sentence()));
      samples_.insert(samples_.end(), some->begin(), some->end());
    }
  }

  void kill_some(const RivalInfo& rival, const RowInfo& row) {
    KillRow made{&rival, &row, {}};
    for (std::uint32_t number = 0; number < options_.kills && interrupted == 0; ++number) {
      say_progress(rival, row, number + 1);
      auto sample = kill_one(ground_, rival, row, options_.patience);
      if (!sample) return miss(rival, row, std::string(sample.error().sentence()));
      made.samples.push_back(*sample);
    }
    if (!made.samples.empty()) report_.kills.push_back(std::move(made));
  }

  Ground& ground_;
  const Options& options_;
  RivalReport& report_;
  std::vector<RivalSample> samples_;
};

RivalReport run_all(Ground& ground, const Options& options) {
  const auto rows = chosen_rows(options);
  const auto rivals = chosen_rivals(options);
  const auto [first, second] = ground.cpus();
  RivalReport report;
  const std::vector<int> both{first, second};
  report.machine = bench::look_at_machine(both);
  report.cpus = ground.cpus();
  report.restarts = options.restarts;
  report.seconds = options.seconds;
  const bench::CpuTicks before = bench::cpu_ticks(both);
  Run run(ground, options, report);
  for (const RowInfo* row : rows) {
    for (const RivalInfo* rival : rivals) {
      if (interrupted == 0) run.one(*rival, *row);
    }
  }
  if (isatty(STDERR_FILENO) != 0) (void)std::fprintf(stderr, "\r%75s\r", "");
  run.finish();
  report.stolen_percent = bench::stolen_percent(before, bench::cpu_ticks(both));
  return report;
}

std::string programs_beside_us() {
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "rivals")
      .string();
}

}  // namespace

}  // namespace millrace::rivals

int main(int argc, char** argv) {
  using namespace millrace::rivals;
  CLI::App app{
      "Millrace and other ways to pass messages, between slices of bare shared words.\n"
      "Exit codes: 0 good, 1 a null rival does not read 1.00, 2 bad usage or environment.",
      "millrace-bench-rivals"};
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.smoke) {
    options.restarts = options.kills = 1;
    options.seconds = 0.05;
    options.patience = 5;
  }
  (void)chosen_rows(options);  // refuses what is not there before anything is made
  (void)chosen_rivals(options);
  catch_signals();
  const auto cpus = millrace::bench::choose_cpus(options.cpus);
  if (!cpus) refuse(std::string(cpus.error().sentence()));
  if (cpus->size() != 2) refuse("two processors are needed, and only one is here");
  auto ground = Ground::make(options.programs.empty() ? programs_beside_us() : options.programs,
                             {cpus->front(), cpus->back()});
  if (!ground) refuse(std::string(ground.error().sentence()));
  if (options.list) return print_list(*ground);
  const RivalReport report = run_all(*ground, options);
  options.json ? print_json(report, stdout) : print_table(report, stdout);
  return interrupted != 0 ? 2 : report.exit_code();
}
