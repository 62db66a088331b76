// millrace bench rivals, a subcommand of the verb bench.
#pragma once

#include <CLI/App.hpp>

namespace millrace::tools {

// `exit_code` lives as long as `bench`.
void add_bench_rivals(CLI::App& bench, int& exit_code);

}  // namespace millrace::tools
