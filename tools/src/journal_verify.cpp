// millrace journal verify: reads every live byte and says what is not as it was written.
#include "journal_argument.hpp"
#include "journal_damage.hpp"
#include "journal_verbs.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "run_figures.hpp"
#include "signals.hpp"
#include "size_argument.hpp"

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

namespace millrace::tools {
namespace {

void print_text(const VerifyReport& report) {
  const double seconds = static_cast<double>(report.nanoseconds) / 1e9;
  const double rate = seconds > 0 ? static_cast<double>(report.bytes) / seconds : 0;
  std::printf("verified %s of %s segments in %.3f s (%s/s): %s items, %s messages\n",
              format_size(report.bytes).c_str(), grouped(report.segments).c_str(), seconds,
              format_size(static_cast<std::uint64_t>(rate)).c_str(), grouped(report.items).c_str(),
              grouped(report.messages).c_str());
  if (report.unproven_bytes != 0) {
    std::printf(
        "%s at the end are not yet proven durable: the newest writes, or a torn end that "
        "the next opening cuts off\n",
        format_size(report.unproven_bytes).c_str());
  }
  for (const Damage& damage : report.damages)
    std::printf("DAMAGED  %s\n", describe(damage).c_str());
  if (report.damages.empty()) {
    std::puts("OK");
  } else {
    std::printf("NOT OK: %zu places; `millrace journal repair DIR` says what mending costs\n",
                report.damages.size());
  }
}

int run_verify(const JournalArgument& arguments) {
  Progress progress("verify", Progress::Unit::bytes, !arguments.json);
  VerifyOptions options;
  options.directory = arguments.directory;
  options.progress = [&progress](std::uint64_t done, std::uint64_t all) {
    progress.show(done, all);
    return !end_requested();
  };
  const auto verified = verify_journal(options);
  progress.clear();
  if (!verified) return report(verified.error(), arguments.json);
  const bool good = verified->damages.empty();
  if (arguments.json) {
    nlohmann::json object = to_json(*verified);
    object["ok"] = good;
    print_json(object);
  } else {
    print_text(*verified);
  }
  return good ? kGood : kCheckFailed;
}

}  // namespace

void add_journal_verify(CLI::App& journal, int& exit_code) {
  const auto arguments = std::make_shared<JournalArgument>();
  CLI::App& verb = *journal.add_subcommand("verify", "Read and check every byte of a journal");
  add_journal_argument(verb, *arguments);
  verb.footer(
      "It changes nothing, and may run beside a recorder.\n"
      "Exit codes: 0 every byte is as it was written, 1 damage, 2 bad usage or environment.");
  verb.callback([arguments, &exit_code] { exit_code = run_verify(*arguments); });
}

}  // namespace millrace::tools
