// `millrace profile`: measures a load, judges what the models predict of it, and reports.
#include "millrace/bench/profile_checks.hpp"
#include "millrace/bench/profile_report.hpp"
#include "millrace/bench/profile_run.hpp"
#include "profile_options.hpp"
#include "report.hpp"
#include "small_file.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

namespace millrace::tools {
namespace {

using bench::ProfileRun;

// "-" is standard output.
Result<void> write_to(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fputc('\n', stdout);
    return {};
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return fail_os(errno, "cannot write %s", path.c_str());
  return {};
}

// Before anything is measured: minutes should not be lost on a directory that is not there.
Result<void> check_outputs(const ProfileArguments& arguments) {
  for (const std::string* path :
       {&arguments.report, &arguments.json, &arguments.hlog, &arguments.prometheus}) {
    if (path->empty() || *path == "-") continue;
    const bool there = std::ifstream(*path).good();
    const std::ofstream file(*path, std::ios::binary | std::ios::app);
    if (!file) return fail_os(errno, "cannot write %s", path->c_str());
    if (!there) std::remove(path->c_str());
  }
  return {};
}

Result<void> write_all(const ProfileArguments& arguments, const ProfileRun& run,
                       const bench::LoadPicture& picture, const std::string& json) {
  const auto write = [](const std::string& path, const Result<std::string>& text) -> Result<void> {
    if (!text) return Failure(text.error());
    return write_to(path, *text);
  };
  if (!arguments.json.empty()) {
    if (auto done = write_to(arguments.json, json); !done) return done;
  }
  if (!arguments.report.empty()) {
    if (auto done = write(arguments.report, bench::profile_page(json)); !done) return done;
  }
  if (!arguments.hlog.empty()) {
    if (auto done = write(arguments.hlog, bench::profile_hlog(run, picture)); !done) return done;
  }
  if (!arguments.prometheus.empty()) {
    if (auto done = write(arguments.prometheus, bench::profile_prometheus(json)); !done)
      return done;
  }
  if (arguments.json == "-" || arguments.prometheus == "-") return {};
  return write("-", bench::profile_text(json));
}

Result<int> profile(const ProfileArguments& arguments) {
  if (auto good = check_outputs(arguments); !good) return Failure(good.error());
  const auto options = profile_options(arguments);
  if (!options) return Failure(options.error());
  if (arguments.doctor) {
    const auto fit = bench::look_how_fit(*options);
    if (!fit) return Failure(fit.error());
    auto text = arguments.json.empty() ? bench::fit_text(*fit) : Result<std::string>(*fit);
    if (!text) return Failure(text.error());
    if (auto done = write_to(arguments.json.empty() ? "-" : arguments.json, *text); !done)
      return Failure(done.error());
    return bench::is_fit(*fit) ? kGood : kNothingShown;
  }
  const auto run = bench::run_profile(*options);
  if (!run) return Failure(run.error());
  if (!arguments.calibration.empty() && options->frozen.empty()) {
    if (auto done = write_to(arguments.calibration, run->frozen); !done)
      return Failure(done.error());
  }
  const auto verdicts = bench::judge_profile(*run);
  const auto picture =
      bench::picture_of(run->load, run->calibration.service_ns, run->calibration.hand_over_ns,
                        bench::handling_of(options->plan.handler));
  const std::string json = bench::profile_json(*run, picture, verdicts);
  if (auto done = write_all(arguments, *run, picture, json); !done) return Failure(done.error());
  return bench::exit_code(verdicts.report.verdict);
}

}  // namespace

void add_profile(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<ProfileArguments>();
  CLI::App& verb = *app.add_subcommand(
      "profile", "Measure latency and throughput under load, and judge them by models");
  add_profile_options(verb, *arguments);
  verb.footer(
      "Exit codes: 0 every verdict is PASS, 1 one is FAIL, 2 bad usage or environment, 3 one is "
      "INCONCLUSIVE or INVALID.");
  verb.callback([arguments, &exit_code] {
    const auto done = profile(*arguments);
    exit_code = done ? *done : report(done.error(), arguments->json == "-");
  });
}

}  // namespace millrace::tools
