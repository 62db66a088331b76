// `millrace run`: the main job. It starts itself as publishers and subscribers, brings real input
// through the rings, and checks it to the last byte.
#include "journal_argument.hpp"
#include "report.hpp"
#include "run_child.hpp"
#include "run_input.hpp"
#include "run_journal_place.hpp"
#include "run_leg.hpp"
#include "run_options.hpp"
#include "run_result.hpp"
#include "run_telemetry.hpp"
#include "verbs.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace millrace::tools {
namespace {

Result<std::optional<RunInput>> prepare_input(const RunOptions& options) {
  if (options.telemetry()) {
    if (auto readable = Telemetry::open(); !readable) return Failure(readable.error());
    return std::optional<RunInput>();
  }
  auto input = RunInput::open(options.input);
  if (!input) return Failure(input.error());
  if (auto read = input->read(); !read) return Failure(read.error());
  if (auto fits = input->check_fits(options.ring_bytes, run_frame_bytes(options)); !fits) {
    return Failure(fits.error());
  }
  return std::optional<RunInput>(std::move(*input));
}

Result<RunResult> run_through_memory(const RunOptions& options, const RunInput* input) {
  auto outcome = run_leg(options, input, nullptr);
  if (!outcome) return Failure(outcome.error());
  return std::move(*outcome->result);
}

// The main job through memory alone, for the figures of the rings.
Result<RunResult> run_memory_leg(const RunOptions& options) {
  RunOptions shorter = options;
  constexpr std::chrono::nanoseconds kMost = std::chrono::seconds(1);
  shorter.seconds = std::min(kMost, options.duration() / 2);
  shorter.plant = false;
  if (!options.quiet && !options.domain.json) {
    std::fputs("once more, through memory alone\n", stderr);
  }
  return run_through_memory(shorter, nullptr);
}

Result<RunResults> run_recorded(const RunOptions& options, const RunInput* input) {
  auto place = RunJournalPlace::find(options);
  if (!place && (!options.journal.empty() || !options.telemetry())) return Failure(place.error());
  if (place && place->kept()) {
    const auto sound = check_journal_options(run_journal_options(options, *place, 0, 0));
    if (!sound) return Failure(sound.error());
  }
  std::string refusal;
  if (place) {
    auto outcome = run_leg(options, input, &*place);
    if (!outcome) return Failure(outcome.error());
    if (outcome->result) {
      RunResults results{std::move(*outcome->result), std::nullopt};
      if (!options.telemetry() || !results.main.ok || results.main.interrupted) return results;
      auto memory = run_memory_leg(options);
      if (!memory) return Failure(memory.error());
      results.memory = std::move(*memory);
      return results;
    }
    refusal = outcome->refusal;
  } else {
    refusal = place.error().sentence();
  }
  std::fprintf(stderr, "millrace: no journal: %s\n", refusal.c_str());
  auto result = run_through_memory(options, input);
  if (!result) return Failure(result.error());
  result->no_journal = refusal;
  return RunResults{std::move(*result), std::nullopt};
}

Result<RunResults> run(const RunOptions& options) {
  if (auto sound = check_run_options(options); !sound) return Failure(sound.error());
  auto input = prepare_input(options);
  if (!input) return Failure(input.error());
  const RunInput* const file = input->has_value() ? &**input : nullptr;
  if (options.records()) return run_recorded(options, file);
  auto result = run_through_memory(options, file);
  if (!result) return Failure(result.error());
  return RunResults{std::move(*result), std::nullopt};
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
  return result->ok() ? kGood : kCheckFailed;
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
