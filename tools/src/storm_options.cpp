#include "storm_options.hpp"

#include "duration_argument.hpp"
#include "number_argument.hpp"
#include "size_argument.hpp"

#include <CLI/Error.hpp>
#include <array>
#include <cinttypes>
#include <utility>

namespace millrace::tools {
namespace {

constexpr std::array<std::pair<const char*, StormPlant>, 5> kPlants = {{
    {"drop", StormPlant::drop},
    {"duplicate", StormPlant::duplicate},
    {"tear", StormPlant::tear},
    {"silence", StormPlant::silence},
    {"no-recovery", StormPlant::no_recovery},
}};

void add_order_option(CLI::App& verb, StormOptions& options) {
  verb.add_option_function<std::string>(
          "--order",
          [&options](const std::string& text) {
            if (text != "lane") {
              throw CLI::ValidationError("--order",
                                         "\"" + text + "\" is no order of a channel; take lane");
            }
            options.order = StormOrder::lane;
          },
          "Which order the channels keep: lane, that of each publisher (lane)")
      ->type_name("ORDER");
}

void add_plant_option(CLI::App& verb, StormOptions& options) {
  verb.add_option_function<std::string>("--plant",
                                        [&options](const std::string& text) {
                                          for (const auto& [name, plant] : kPlants) {
                                            if (text == name) options.plant = plant;
                                          }
                                          if (options.plant == StormPlant::none) {
                                            throw CLI::ValidationError("--plant",
                                                                       "there is no such defect");
                                          }
                                        })
      ->group("");
}

}  // namespace

void add_storm_options(CLI::App& verb, StormOptions& options) {
  add_domain_options(verb, options.domain);
  verb.get_option("--dir")->description(
      "The storm makes a domain of its own beside this directory (else $MILLRACE_DIR, else "
      "/dev/shm/millrace-UID)");
  add_duration_option(verb, "--seconds", options.seconds, "How long (10)");
  add_count_option(verb, "--kills", options.kills, 1, "End after N kills instead");
  add_count_option(verb, "--publishers", options.publishers, 1,
                   "Publishing processes (6), shared out over three channels, one a policy");
  add_count_option(verb, "--subscribers", options.subscribers, 1,
                   "Subscribing processes (6), shared out alike");
  add_order_option(verb, options);
  add_count_option(verb, "--seed", options.seed, 1, "Repeat the random choices of a storm");
  add_size_option(verb, "--fat", options.fat_bytes,
                  "Memory that one victim in 32 has mapped; 0: none (1G where memory allows)");
  verb.add_flag("--points", options.points,
                "With --json: name every distinct point at which somebody was killed");
  verb.add_option("--role", options.role)->group("");
  verb.add_option("--number", options.number)->group("");
  add_plant_option(verb, options);
}

Result<void> check_storm_options(const StormOptions& options) {
  if (options.publishers > kStormPublishersMax) {
    return fail(Errc::bad_argument,
                "%" PRIu64 " publishers are too many for a storm; take up to %" PRIu64,
                options.publishers, kStormPublishersMax);
  }
  if (options.subscribers > kStormSubscribersMax) {
    return fail(Errc::bad_argument,
                "%" PRIu64 " subscribers are too many for a storm; take up to %" PRIu64,
                options.subscribers, kStormSubscribersMax);
  }
  if (options.seconds == std::chrono::nanoseconds::zero()) {
    return fail(Errc::bad_argument, "--seconds 0 leaves no time for a storm; write more than 0");
  }
  return {};
}

}  // namespace millrace::tools
