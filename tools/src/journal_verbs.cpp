// millrace journal: looks at, checks and mends a journal on disk.
#include "journal_verbs.hpp"

#include "report.hpp"
#include "verbs.hpp"

#include <CLI/Error.hpp>
#include <cstdio>

namespace millrace::tools {

void add_journal_argument(CLI::App& verb, JournalArgument& argument) {
  verb.add_option("DIR", argument.directory, "Directory of the journal")->required()->type_name("");
  verb.add_flag("--json", argument.json, "Speak JSON, one object a line");
}

void add_journal(CLI::App& app, int& exit_code) {
  CLI::App& journal = *app.add_subcommand("journal", "Look at, check and mend a journal on disk");
  journal.require_subcommand(0, 1);
  add_journal_ls(journal, exit_code);
  add_journal_stat(journal, exit_code);
  add_journal_verify(journal, exit_code);
  add_journal_repair(journal, exit_code);
  add_journal_tail(journal, exit_code);
  add_journal_detach(journal, exit_code);
  journal.callback([&journal, &exit_code] {
    if (!journal.get_subcommands().empty()) return;
    std::fputs(journal.help().c_str(), stderr);
    exit_code = kBadEnvironment;
  });
}

}  // namespace millrace::tools
