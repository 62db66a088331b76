// millrace crashtest: what becomes of durable messages on this very disk when everything dies.
#include "crashtest_ground.hpp"
#include "crashtest_writer.hpp"
#include "duration_argument.hpp"
#include "journal_argument.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/domain_directory.hpp"
#include "millrace/core/histogram.hpp"
#include "number_argument.hpp"
#include "report.hpp"
#include "run_figures.hpp"
#include "scratch_directory.hpp"
#include "signals.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kImageBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kLongestLifeNs = 400'000'000;
// One crash in so many cuts the power, one in so many forgets shared memory.
constexpr std::uint64_t kPowerEvery = 4;
constexpr std::uint64_t kRebootEvery = 3;

struct CrashArguments {
  std::string journal;
  bool json = false;
  std::chrono::nanoseconds seconds = std::chrono::seconds(20);
  std::uint64_t kills = 0;  // 0: until the time is over
  std::uint64_t seed = 0;
  std::string role;
};

struct CrashReport {
  std::uint64_t seed = 0;
  std::uint64_t kills = 0;  // of any kind
  std::uint64_t reboots = 0;
  std::uint64_t power_cuts = 0;
  std::string no_power;  // why the power could not be cut
  std::uint64_t recoveries = 0;
  std::uint64_t messages = 0;
  std::uint64_t torn_bytes = 0;
  std::vector<std::string> violations;
  layout::HistogramBytes recovery{};
};

class CrashTest {
 public:
  CrashTest(const CrashArguments& arguments, CrashGround disk, std::optional<CrashGround> power)
      : arguments_(arguments),
        disk_(std::move(disk)),
        power_(std::move(power)),
        random_(arguments.seed),
        recovery_(report_.recovery),
        shows_(!arguments.json && isatty(STDERR_FILENO) == 1),
        began_ns_(monotonic_ns()) {
    report_.seed = arguments.seed;
  }

  void run() {
    while (!end_requested() && !done() && report_.violations.empty()) {
      crash_once();
      show();
    }
    if (shows_) std::fputs("\r\x1b[K", stderr);
  }

  [[nodiscard]] CrashReport& report() { return report_; }

 private:
  [[nodiscard]] bool done() const {
    if (arguments_.kills != 0) return report_.kills >= arguments_.kills;
    const auto limit_ns = static_cast<std::uint64_t>(arguments_.seconds.count());
    return monotonic_ns() - began_ns_ >= limit_ns;
  }

  void crash_once() {
    const bool power = power_ && random_() % kPowerEvery == 0;
    const CrashKind kind = power                           ? CrashKind::power
                           : random_() % kRebootEvery == 0 ? CrashKind::reboot
                                                           : CrashKind::kill;
    const std::chrono::nanoseconds after(static_cast<std::int64_t>(random_() % kLongestLifeNs));
    const auto found = (power ? *power_ : disk_).crash(kind, after);
    if (end_requested()) return;  // Ctrl-C may have ended what we were waiting for
    ++report_.kills;
    report_.reboots += kind == CrashKind::reboot ? 1 : 0;
    report_.power_cuts += power ? 1 : 0;
    const std::string which =
        "crash " + std::to_string(report_.kills) + " (" + to_string(kind) + "): ";
    if (!found) {
      report_.violations.push_back(which + std::string(found.error().sentence()));
      return;
    }
    ++report_.recoveries;
    recovery_.record(found->recovery.nanoseconds);
    report_.messages += found->messages;
    report_.torn_bytes += found->recovery.cut_bytes;
    for (const std::string& violation : found->violations)
      report_.violations.push_back(which + violation);
  }

  void show() const {
    if (!shows_) return;
    std::fprintf(stderr, "\r%s crashes, %s messages checked, %zu violations\x1b[K",
                 grouped(report_.kills).c_str(), grouped(report_.messages).c_str(),
                 report_.violations.size());
    std::fflush(stderr);
  }

  const CrashArguments& arguments_;
  CrashGround disk_;
  std::optional<CrashGround> power_;
  std::mt19937_64 random_;
  CrashReport report_;
  Histogram recovery_;
  const bool shows_;
  const std::uint64_t began_ns_;
};

void print_text(const CrashReport& report) {
  const HistogramView recovery(report.recovery);
  const auto at = [](std::uint64_t ns) { return format_duration(std::chrono::nanoseconds(ns)); };
  std::printf("crashes   %s: %s of the process alone, %s with shared memory, %s power cuts\n",
              grouped(report.kills).c_str(),
              grouped(report.kills - report.reboots - report.power_cuts).c_str(),
              grouped(report.reboots).c_str(), grouped(report.power_cuts).c_str());
  if (!report.no_power.empty()) std::printf("power     %s\n", report.no_power.c_str());
  if (recovery.count() != 0) {
    std::printf("recovery  %s, p50 %s, p99 %s, max %s\n", grouped(report.recoveries).c_str(),
                at(recovery.percentile_ns(50)).c_str(), at(recovery.percentile_ns(99)).c_str(),
                at(recovery.max_ns()).c_str());
  }
  std::printf("checked   %s messages; %s bytes of torn ends were cut off\n",
              grouped(report.messages).c_str(), grouped(report.torn_bytes).c_str());
  for (const std::string& violation : report.violations)
    std::printf("VIOLATED  %s\n", violation.c_str());
  std::puts(report.violations.empty()
                ? "OK: everything that was reported durable was there, in order, once"
                : "NOT OK");
}

nlohmann::json to_json(const CrashReport& report) {
  const HistogramView recovery(report.recovery);
  return {{"ok", report.violations.empty()},
          {"seed", report.seed},
          {"kills", report.kills},
          {"reboots", report.reboots},
          {"power_cuts", report.power_cuts},
          {"no_power", report.no_power},
          {"recoveries", report.recoveries},
          {"recovery_ns",
           {{"p50", recovery.percentile_ns(50)},
            {"p99", recovery.percentile_ns(99)},
            {"max", recovery.max_ns()}}},
          {"messages_checked", report.messages},
          {"torn_bytes", report.torn_bytes},
          {"losses", report.violations.size()},
          {"violations", report.violations}};
}

// Where the power can be cut, if anywhere; else `why_not`.
std::optional<CrashGround> ground_with_power(const std::string& directory,
                                             const std::string& domain, std::uint64_t seed,
                                             std::string& why_not) {
  auto power = LoopPower::make(directory, kImageBytes);
  if (!power) {
    why_not = power.error().sentence();
    return std::nullopt;
  }
  const std::string mount_point = power->mount_point();
  auto ground = CrashGround::make(mount_point, domain, seed, std::move(*power));
  if (!ground) {
    why_not = ground.error().sentence();
    return std::nullopt;
  }
  return std::move(*ground);
}

int run_crashtest(CrashArguments arguments) {
  if (arguments.role == "writer") return live_as_crash_writer();
  if (!arguments.role.empty()) {
    return report_usage("--role is not for users", arguments.json);
  }
  if (arguments.seed == 0) arguments.seed = std::random_device{}();
  const auto directory = absolute_journal(arguments.journal);
  if (!directory) return report(directory.error(), arguments.json);
  auto scratch = Scratch::make(*directory + "/crashtest-");
  if (!scratch) return report(scratch.error(), arguments.json);
  auto memory = Scratch::make(DomainDirectory::default_path() + "-crashtest-");
  if (!memory) return report(memory.error(), arguments.json);
  auto disk =
      CrashGround::make(scratch->path(), memory->path() + "/disk", arguments.seed, std::nullopt);
  if (!disk) return report(disk.error(), arguments.json);
  if (!arguments.json) std::fprintf(stderr, "seed %" PRIu64 "\n", arguments.seed);
  std::string why_not;
  auto power =
      ground_with_power(scratch->path(), memory->path() + "/power", arguments.seed + 1, why_not);
  CrashTest test(arguments, std::move(*disk), std::move(power));
  test.report().no_power = why_not;
  test.run();
  if (arguments.json) {
    print_json(to_json(test.report()));
  } else {
    print_text(test.report());
  }
  return test.report().violations.empty() ? kGood : kCheckFailed;
}

constexpr const char* kFooter =
    "It makes a directory of its own in DIR, which is gone at the end. Publishers and a recorder\n"
    "are killed at random moments, some with their shared memory, and each time the journal is\n"
    "opened again and read: whatever was reported durable must be there, once, in order. As root "
    "it\n"
    "also stops an ext4 in a file below DIR as a power cut would; what a device makes of a real "
    "one\n"
    "only pulling the plug can tell.\n"
    "Exit codes: 0 nothing was lost, 1 something was, 2 bad usage or environment.";

}  // namespace

void add_crashtest(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<CrashArguments>();
  CLI::App& verb =
      *app.add_subcommand("crashtest", "Kill recorders on this disk, and check what is left");
  verb.add_option("--journal", arguments->journal, "Directory on the disk to be tried")
      ->type_name("DIR");
  add_duration_option(verb, "--seconds", arguments->seconds, "How long (20)");
  add_count_option(verb, "--kills", arguments->kills, 1, "End after N crashes instead");
  add_count_option(verb, "--seed", arguments->seed, 1, "Repeat the random choices of a run");
  verb.add_option("--role", arguments->role)->group("");
  verb.add_flag("--json", arguments->json, "Speak JSON, one object a line");
  verb.footer(kFooter);
  verb.callback([arguments, &exit_code] { exit_code = run_crashtest(*arguments); });
}

}  // namespace millrace::tools
