// Opens what a killed writer has left, as the next recorder would, and checks every message.
#pragma once

#include "crashtest_page.hpp"
#include "millrace/core/result.hpp"
#include "millrace/persist/journal.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::tools {

struct CrashFindings {
  RecoveryReport recovery;
  std::uint64_t messages = 0;  // that were checked
  std::array<std::uint64_t, kCrashPublishers> ends{};
  std::vector<std::string> violations;  // a sentence each
};

// Recovers the journal (which writes a new epoch and closes it in good order), then reads all of
// it: every lane's messages are there once, in order, as they were made, and at least as many as
// were reported durable. Errors: it cannot be opened or read, which is a violation, too.
[[nodiscard]] Result<CrashFindings> check_after_crash(const CrashPage& page);

}  // namespace millrace::tools
