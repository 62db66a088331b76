// The bare ping-pong: two words 256 bytes apart, plain acquire spins, nothing else. No message
// system can be faster between these two processors at this moment, so its time stands beside every
// result.
#pragma once

#include "millrace/core/clock.hpp"
#include "run_page.hpp"

#include <cstdint>

namespace millrace::tools {

// Publisher 0's side: some 20 ms of round trips; returns their p50 in nanoseconds, 0 if the other
// side did not answer for a second (it died).
[[nodiscard]] std::uint64_t bare_serve(const RunPage& page, const Clock& clock);

// Subscriber 0's side; returns when publisher 0 says so, or after a second without a word.
void bare_return(const RunPage& page, const Clock& clock);

}  // namespace millrace::tools
