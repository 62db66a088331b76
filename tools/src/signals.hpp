// How a verb is asked to end: Ctrl-C, SIGTERM and SIGHUP raise a flag, so that publishers and
// subscribers leave in good order and nothing stays behind. SIGPIPE is ignored: who writes to a
// pipe that nobody reads gets EPIPE and ends as if there were nothing more to do.
//
// Thread rules: install once, at the beginning; the rest may be called by any thread.
#pragma once

#include <chrono>

namespace millrace::tools {

void install_end_signals() noexcept;

[[nodiscard]] bool end_requested() noexcept;

// Raises the flag without a signal.
void request_end() noexcept;

// Becomes readable when the end is requested, and stays so: for poll(2) beside an input. -1 before
// install_end_signals().
[[nodiscard]] int end_descriptor() noexcept;

// Sleeps so long, or until the end is requested.
void nap(std::chrono::nanoseconds duration) noexcept;

}  // namespace millrace::tools
