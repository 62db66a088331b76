// The verbs of `millrace journal`: a file each, added like the verbs of the command itself.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace millrace::tools {

struct JournalArgument {
  std::string directory;
  bool json = false;
};

// DIR and --json.
void add_journal_argument(CLI::App& verb, JournalArgument& argument);

// `exit_code` lives as long as `journal`.
void add_journal_ls(CLI::App& journal, int& exit_code);
void add_journal_stat(CLI::App& journal, int& exit_code);
void add_journal_verify(CLI::App& journal, int& exit_code);
void add_journal_repair(CLI::App& journal, int& exit_code);
void add_journal_tail(CLI::App& journal, int& exit_code);
void add_journal_detach(CLI::App& journal, int& exit_code);

}  // namespace millrace::tools
