#include "domain_argument.hpp"

namespace millrace::tools {

void add_domain_options(CLI::App& verb, DomainArgument& argument) {
  verb.add_option("--dir", argument.path,
                  "Directory of the domain (else $MILLRACE_DIR, else /dev/shm/millrace-UID)")
      ->type_name("DIR");
  verb.add_flag("--json", argument.json, "Speak JSON, one object a line");
}

Result<Domain> observe(const DomainArgument& argument) {
  return Domain::open({.path = argument.path, .participant = {}, .create = false});
}

Result<Domain> join(const DomainArgument& argument) {
  return Domain::open({.path = argument.path, .participant = {}, .create = true});
}

}  // namespace millrace::tools
