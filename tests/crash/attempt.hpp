// One life of a victim: the survivors build their world, the victim comes, begins the operation,
// and meets its fate at a chosen instruction; the survivors judge. All of it in forked processes,
// so that the next attempt begins from the very same memory.
#pragma once

#include "instruction_trace.hpp"
#include "ledger.hpp"
#include "operation.hpp"

#include <filesystem>

namespace millrace::crash {

enum class Fate : std::uint8_t {
  none,    // lives to its end
  record,  // lives, and every step is written down
  kill,    // SIGKILL
  freeze   // SIGSTOP, and later SIGCONT
};

struct Attempt {
  const Operation* operation;
  Ledger* ledger;
  InstructionTrace trace;
  Fate fate = Fate::none;
  std::uint32_t point = 0;
  std::uint32_t first_death = 0;  // of Operation::after
  bool whole = true;              // as in Survivors::judge
};

enum class Outcome : std::uint8_t {
  good,
  missed,  // it took another way and did not come by the instruction
  broken   // the ledger says how
};

// Runs it in the directory `scratch`, where a domain of its own is made and removed. `clock`: the
// domain's calibration, which would take longer than everything else.
Outcome run(const Attempt& attempt, const std::filesystem::path& scratch,
            const std::filesystem::path& clock);

}  // namespace millrace::crash
