// millrace doctor: looks at this machine the way Millrace will meet it.
#include "domain_argument.hpp"
#include "finding.hpp"
#include "journal_argument.hpp"
#include "report.hpp"
#include "verbs.hpp"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace millrace::tools {
namespace {

const char* to_string(Health health) {
  switch (health) {
    case Health::ok: return "OK";
    case Health::warn: return "WARN";
    case Health::fail: return "FAIL";
  }
  return "UNKNOWN";
}

void print_text(const Findings& findings) {
  std::size_t width = 0;
  for (const Finding& found : findings)
    width = std::max(width, found.subject.size());
  for (const Finding& found : findings) {
    std::printf("%-4s  %-*s  %s\n", to_string(found.health), static_cast<int>(width),
                found.subject.c_str(), found.what.c_str());
    if (!found.advice.empty()) {
      std::printf("      %-*s  -> %s\n", static_cast<int>(width), "", found.advice.c_str());
    }
  }
}

struct DoctorArguments {
  DomainArgument domain;
  std::string journal;  // empty: not asked for
};

int run_doctor(const DoctorArguments& arguments) {
  Findings findings;
  examine_memory(arguments.domain.path, findings);
  examine_kernel(findings);
  examine_machine(findings);
  if (!arguments.journal.empty()) examine_journal(arguments.journal, findings);
  const bool good = std::none_of(findings.begin(), findings.end(),
                                 [](const Finding& found) { return found.health == Health::fail; });
  if (!arguments.domain.json) {
    print_text(findings);
    return good ? kGood : kCheckFailed;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& found : findings) {
    list.push_back({{"subject", found.subject},
                    {"health", to_string(found.health)},
                    {"what", found.what},
                    {"advice", found.advice}});
  }
  print_json({{"ok", good}, {"findings", std::move(list)}});
  return good ? kGood : kCheckFailed;
}

}  // namespace

void add_doctor(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<DoctorArguments>();
  CLI::App& verb = *app.add_subcommand("doctor", "Say what on this machine stands in the way");
  add_journal_option(verb, arguments->journal, false);
  add_domain_options(verb, arguments->domain);
  verb.footer("Exit codes: 0 nothing fails, 1 something does, 2 bad usage.");
  verb.callback([arguments, &exit_code] { exit_code = run_doctor(*arguments); });
}

}  // namespace millrace::tools
