// millrace-bench-durable: what durability costs, beside fio and beside what users would take
// instead, in rounds on one file system.
#include "durable_report.hpp"
#include "durable_rows.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace millrace::bench {

namespace {

struct Options {
  std::string directory = ".";
  std::uint32_t rounds = 5;
  double seconds = 1;
  std::uint64_t verify_mib = 1024;
  bool quick = false;
  bool smoke = false;
  bool json = false;
  bool list = false;
  std::vector<std::string> rows;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("ROW", options.rows, "only these rows (--list names them)");
  app.add_option("--dir", options.directory, "a directory on the file system to measure")
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "how often every entrant has its turn")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000U));
  app.add_option("--seconds", options.seconds, "one turn")
      ->capture_default_str()
      ->check(CLI::Range(0.05, 600.0));
  app.add_option("--verify-mib", options.verify_mib, "length of the log that is read again")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{8}, std::uint64_t{1} << 20));
  app.add_flag("--quick", options.quick, "2 rounds of 0.5 s: shows, judges nothing");
  app.add_flag("--smoke", options.smoke, "everything once, as short as possible: judges nothing");
  app.add_flag("--json", options.json, "one JSON object on stdout instead of the table");
  app.add_flag("--list", options.list, "names of the rows");
}

std::vector<Row> all_rows(const DurableOptions& options) {
  std::vector<Row> rows{noise_row(options), throughput_row(options, std::uint64_t{256} << 10),
                        throughput_row(options, std::uint64_t{1} << 20), latency_row(options),
                        visible_row(options)};
  for (const std::size_t group : {std::size_t{1}, std::size_t{16}, std::size_t{256}})
    rows.push_back(commit_row(options, group));
  for (Row& row : read_rows(options))
    rows.push_back(std::move(row));
  return rows;
}

bool wanted(const Options& options, const std::string& name) {
  return options.rows.empty() ||
         std::find(options.rows.begin(), options.rows.end(), name) != options.rows.end();
}

std::string file_system_of(const std::string& directory) {
  struct statfs status {};

  if (statfs(directory.c_str(), &status) != 0) return "unknown";
  switch (static_cast<std::uint64_t>(status.f_type)) {
    case 0xef53: return "ext4";
    case 0x5846'5342: return "xfs";
    case 0x9123'683e: return "btrfs";
    case 0x0102'1994: return "tmpfs: survives no power loss";
    default: return "file system type " + std::to_string(status.f_type);
  }
}

Result<DurableReport> measure(const Options& options, const std::string& scratch) {
  DurableOptions durable{
      .directory = scratch, .seconds = options.seconds, .verify_bytes = options.verify_mib << 20};
  DurableReport report{.directory = options.directory,
                       .file_system = file_system_of(options.directory),
                       .rounds = options.rounds,
                       .seconds = options.seconds};
  utsname name{};
  if (uname(&name) == 0) report.kernel = name.release;
  report.repeat = "tools/bench durable --dir DIR --rounds " + std::to_string(options.rounds) +
                  " --seconds " + std::to_string(options.seconds).substr(0, 4) + " --verify-mib " +
                  std::to_string(options.verify_mib);
  for (const Row& row : all_rows(durable)) {
    if (!wanted(options, row.name)) continue;
    auto figures = run_rounds(row, options.rounds);
    if (!figures) return Failure(figures.error());
    report.rows.push_back(std::move(*figures));
  }
  if (report.rows.empty()) {
    return fail(Errc::bad_argument, "there is no such row; --list names them");
  }
  return report;
}

int refuse(const Error& error) {
  (void)std::fprintf(stderr, "millrace-bench-durable: %s\n", error.sentence().data());
  return 2;
}

int run(const Options& options) {
  if (options.list) {
    for (const Row& row : all_rows({}))
      std::printf("%-20s %s\n", row.name.c_str(), row.what.c_str());
    return 0;
  }
  std::error_code ignored;
  std::string scratch =
      (std::filesystem::absolute(options.directory, ignored) / "millrace-bench-XXXXXX").string();
  if (mkdtemp(scratch.data()) == nullptr) {
    return refuse(
        fail_os(errno, "cannot make a directory in %s", options.directory.c_str()).error());
  }
  const auto report = measure(options, scratch);
  std::filesystem::remove_all(scratch, ignored);
  if (!report) return refuse(report.error());
  if (options.json) {
    print_json(*report, stdout);
  } else {
    print_table(*report, stdout);
  }
  return report->exit_code();
}

}  // namespace

}  // namespace millrace::bench

int main(int argc, char** argv) {
  CLI::App app{
      "Durable throughput, latency, verify and replay, beside fio and embedded databases.\n"
      "Exit codes: 0 good, 1 a goal was missed, 2 bad usage or environment.",
      "millrace-bench-durable"};
  millrace::bench::Options options;
  millrace::bench::add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.quick) {
    options.rounds = 2;
    options.seconds = 0.5;
    options.verify_mib = 256;
  }
  if (options.smoke) {
    options.rounds = 1;
    options.seconds = 0.1;
    options.verify_mib = 16;
  }
  return millrace::bench::run(options);
}
