#include "profile_options.hpp"

#include "millrace/core/domain_directory.hpp"
#include "number_argument.hpp"
#include "report.hpp"
#include "signals.hpp"
#include "size_argument.hpp"
#include "small_file.hpp"

#include <cstdio>
#include <limits>

namespace millrace::tools {
namespace {

Result<void> set_lengths(const std::string& text, bench::LoadPlan& plan) {
  const std::size_t dots = text.find("..");
  const auto least = parse_size(text.substr(0, dots));
  const auto most = dots == std::string::npos ? least : parse_size(text.substr(dots + 2));
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (!least || !most || *least > kMost || *most > kMost) {
    return fail(Errc::bad_argument, "--size %s: write bytes (64, 1K), or 16..256", text.c_str());
  }
  plan.length_min = static_cast<std::uint32_t>(*least);
  plan.length_max = static_cast<std::uint32_t>(*most);
  return {};
}

Result<void> set_policy(const std::string& text, bench::LoadPlan& plan) {
  for (const Policy policy : {Policy::block, Policy::evict, Policy::lossy}) {
    if (text != to_string(policy)) continue;
    plan.policy = policy;
    return {};
  }
  return fail(Errc::bad_argument, "--policy %s: write block, evict or lossy", text.c_str());
}

Result<void> set_load(const ProfileArguments& arguments, bench::LoadPlan& plan) {
  auto shape = bench::parse_load(arguments.load);
  if (!shape) return Failure(shape.error());
  plan.shape = *shape;
  if (plan.shape.kind == bench::LoadShape::Kind::replay) {
    auto recorded = bench::read_arrivals(plan.shape);
    if (!recorded) return Failure(recorded.error());
    plan.recorded = std::move(*recorded);
  }
  auto handler = bench::parse_handler(arguments.handler);
  if (!handler) return Failure(handler.error());
  plan.handler = std::move(*handler);
  auto cpus = bench::choose_load_cpus(arguments.cpus);
  if (!cpus) return Failure(cpus.error());
  plan.cpus = *cpus;
  if (arguments.plant.empty()) return {};
  auto plant = bench::parse_plant(arguments.plant);
  if (!plant) return Failure(plant.error());
  plan.plant = *plant;
  return {};
}

void add_outputs(CLI::App& verb, ProfileArguments& arguments) {
  verb.add_option("--report", arguments.report, "Write one self-contained HTML page")
      ->type_name("FILE");
  verb.add_option("--json", arguments.json,
                  "Write the report as JSON (-: to stdout, instead of text)")
      ->type_name("FILE");
  verb.add_option("--hlog", arguments.hlog, "Write an HdrHistogram log, a tag for each stage")
      ->type_name("FILE");
  verb.add_option("--prometheus", arguments.prometheus, "Write Prometheus text")->type_name("FILE");
  verb.add_option("--calibration", arguments.calibration,
                  "A frozen calibration: judge by it, or write it if it is not there")
      ->type_name("FILE");
}

}  // namespace

void add_profile_options(CLI::App& verb, ProfileArguments& arguments) {
  verb.add_option("--load", arguments.load,
                  "Arrivals: constant:rate=R, poisson:rate=R, burst:rate=R,on=T,off=T, "
                  "burst:rate=R,size=N, replay:FILE or replay:JOURNAL")
      ->capture_default_str()
      ->type_name("LOAD");
  verb.add_option("--handler", arguments.handler,
                  "What the receiver does: none, work:T, work:Nx, deadline:T, lib:FILE.so")
      ->capture_default_str()
      ->type_name("HANDLER");
  verb.add_option("--slo", arguments.slo, "A goal to search the highest rate for: p99=10us")
      ->type_name("GOAL")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb.add_flag("--quick", arguments.quick, "3 restarts; can pass only wide limits");
  verb.add_flag("--full", arguments.full, "10 restarts; some minutes");
  verb.add_flag("--doctor", arguments.doctor, "Only say how fit this machine is, in 5 s");
  verb.add_option("--size", arguments.length, "Payload bytes: 32, or 16..256 drawn by the seed")
      ->capture_default_str()
      ->type_name("BYTES");
  add_size_option(verb, "--ring", arguments.ring_bytes, "Bytes of the ring (1M)");
  verb.add_option("--policy", arguments.policy, "What a full ring does: block, evict or lossy")
      ->capture_default_str()
      ->type_name("POLICY");
  verb.add_option("--journal", arguments.journal, "Make the channel durable, with its journal here")
      ->type_name("DIR");
  add_count_option(verb, "--seed", arguments.seed, 0, "Of arrivals and payloads (1)");
  verb.add_option("--cpus", arguments.cpus, "Two processors A,B: the publisher's, the subscriber's")
      ->type_name("A,B");
  verb.add_option("--seconds", arguments.seconds, "Of load in each restart (by the mode)")
      ->check(CLI::Range(0.01, 3600.0));
  verb.add_flag("--no-search", arguments.no_search, "Do not search for the highest rates");
  verb.add_flag("--no-curve", arguments.no_curve, "Do not measure other rates");
  verb.add_flag("--quiet", arguments.quiet, "Say nothing while it runs");
  verb.add_option("--dir", arguments.directory,
                  "Directory of the domain (else $MILLRACE_DIR, "
                  "else /dev/shm/millrace-UID)")
      ->type_name("DIR");
  add_outputs(verb, arguments);
  verb.add_option("--plant", arguments.plant)->group("");  // a defect, for tests
}

Result<bench::ProfileOptions> profile_options(const ProfileArguments& arguments) {
  bench::ProfileOptions options;
  if (arguments.quick && arguments.full)
    return fail(Errc::bad_argument, "--quick and --full: choose one");
  options.mode = arguments.quick  ? bench::ProfileMode::quick
                 : arguments.full ? bench::ProfileMode::full
                                  : bench::ProfileMode::normal;
  options.seconds = arguments.seconds;
  options.search = !arguments.no_search;
  options.curve = !arguments.no_curve;
  options.plan.seed = arguments.seed;
  options.plan.ring_bytes = arguments.ring_bytes;
  options.plan.journal = arguments.journal;
  options.plan.domain =
      arguments.directory.empty() ? DomainDirectory::default_path() : arguments.directory;
  options.plan.give_up = [] { return end_requested(); };
  if (auto set = set_lengths(arguments.length, options.plan); !set) return Failure(set.error());
  if (auto set = set_policy(arguments.policy, options.plan); !set) return Failure(set.error());
  if (auto set = set_load(arguments, options.plan); !set) return Failure(set.error());
  if (!arguments.calibration.empty()) {
    if (auto frozen = read_small_file(arguments.calibration)) options.frozen = *frozen;
  }
  for (const std::string& text : arguments.slo) {
    const auto slo = bench::parse_slo(text);
    if (!slo) return Failure(slo.error());
    options.slo.push_back(*slo);
  }
  if (auto sound = bench::check_plan(options.plan); !sound) return Failure(sound.error());
  bench::LoadPlan first = bench::load_plan_of(options, 0);
  const auto fits = bench::make_schedule(first.shape, first.recorded,
                                         static_cast<std::uint64_t>(first.seconds * 1e9), 1);
  if (!fits) return Failure(fits.error());
  if (!arguments.quiet) {
    options.progress = [](const std::string& what) { std::fprintf(stderr, "%s\n", what.c_str()); };
  }
  return options;
}

}  // namespace millrace::tools
