// How much of a log is kept, as people write it: --retain 10GiB, --retain 24h, --retain acked, in
// any combination. What exceeds any of them goes, oldest first, a segment at a time.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/journal.hpp"

#include <CLI/App.hpp>
#include <string>
#include <string_view>

namespace millrace::tools {

// Adds one wish to `retain`. A number needs its unit, because 10m could be either: K, M, G, T (KiB
// and so on too) are bytes, s, min, h and d are time. Error bad_argument.
[[nodiscard]] Result<void> parse_retain(std::string_view text, Retention& retain);

// --retain, which may be given several times.
void add_retain_option(CLI::App& verb, Retention& retain);

// "the newest 10 GiB, nothing older than 24.0 h, and what remembered subscribers have not read".
[[nodiscard]] std::string describe(const Retention& retain);

}  // namespace millrace::tools
