// What the doctor found out about one thing, and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::tools {

enum class Health : std::uint8_t {
  ok,
  warn,  // works, but slower, or something optional is missing
  fail,  // Millrace does not work until this is mended
};

struct Finding {
  std::string subject;  // one word or two; stable, for programs
  Health health = Health::ok;
  std::string what;
  std::string advice = {};  // what to do, if there is something to do
};

using Findings = std::vector<Finding>;

// The domain's file system, the memory cgroup, memlock, huge pages, RemoveIPC. `path`: of the
// domain, which need not be there yet.
void examine_memory(const std::string& path, Findings& findings);

// The kernel's version, and the calls that waiting, sleeping and durable channels use.
void examine_kernel(Findings& findings);

// Processors, clock, NUMA, frequency, stolen time (takes 0.2 s to see), containers.
void examine_machine(Findings& findings);

// The file system, space, device and interrupts of a journal's directory, which need not be there
// yet, and the journal if it is.
void examine_journal(const std::string& path, Findings& findings);

}  // namespace millrace::tools
