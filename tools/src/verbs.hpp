// The verbs of the millrace command. Each has a file of its own, which adds its subcommand to the
// application; when the command line names the verb, its callback runs it and says the exit code.
#pragma once

#include <CLI/App.hpp>

namespace millrace::tools {

// `exit_code` lives as long as `app`.
void add_run(CLI::App& app, int& exit_code);
void add_pub(CLI::App& app, int& exit_code);
void add_sub(CLI::App& app, int& exit_code);
void add_record(CLI::App& app, int& exit_code);
void add_replay(CLI::App& app, int& exit_code);
void add_journal(CLI::App& app, int& exit_code);
void add_crashtest(CLI::App& app, int& exit_code);
void add_storm(CLI::App& app, int& exit_code);
void add_ls(CLI::App& app, int& exit_code);
void add_stat(CLI::App& app, int& exit_code);
void add_top(CLI::App& app, int& exit_code);
void add_trace(CLI::App& app, int& exit_code);
void add_doctor(CLI::App& app, int& exit_code);
void add_profile(CLI::App& app, int& exit_code);
void add_compare(CLI::App& app, int& exit_code);
void add_whatif(CLI::App& app, int& exit_code);
void add_clean(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);  // only where the benchmarks are built

// The closing lines of every verb's --help.
inline constexpr const char* kExitCodes =
    "Exit codes: 0 good, 1 a check failed, 2 bad usage or environment.";

}  // namespace millrace::tools
