// What every verb takes: --dir and --json.
#pragma once

#include "millrace/transport/domain.hpp"

#include <CLI/App.hpp>
#include <string>

namespace millrace::tools {

struct DomainArgument {
  std::string path;  // empty: $MILLRACE_DIR, else this user's own
  bool json = false;
};

// Adds both to `verb`. `argument` lives as long as the application.
void add_domain_options(CLI::App& verb, DomainArgument& argument);

// Opens it as an observer: nothing is made, and a domain that is not there is an error.
[[nodiscard]] Result<Domain> observe(const DomainArgument& argument);

// Opens it to take part: it is made if it is missing.
[[nodiscard]] Result<Domain> join(const DomainArgument& argument);

}  // namespace millrace::tools
