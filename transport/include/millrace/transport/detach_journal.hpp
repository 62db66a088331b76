// For administrators: a durable channel whose journal will not come back.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/transport/domain.hpp"

#include <string_view>

namespace millrace {

// Takes the journal away from a durable channel: its publishers go on in memory, nothing becomes
// durable any more, and a persister that attaches later finds a gap. Errors: not_found,
// bad_argument (not durable, or none has ever attached), busy (a persister lives: end it first;
// the sentence names its pid), no_permission.
Result<void> detach_journal(const Domain& domain, std::string_view channel);

}  // namespace millrace
