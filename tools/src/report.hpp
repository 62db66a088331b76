// How a verb speaks: results on stdout, everything about the run on stderr, and with --json one
// object a line instead. What went wrong is one sentence, and the exit code says of which kind.
#pragma once

#include "millrace/core/result.hpp"

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace millrace::tools {

inline constexpr int kGood = 0;
inline constexpr int kCheckFailed = 1;     // the command worked, what it looked at is not good
inline constexpr int kBadEnvironment = 2;  // bad usage or environment: nothing was done
inline constexpr int kNothingShown = 3;    // it was measured, and allows no verdict

// `millrace: <sentence>` on stderr; with `json` {"ok":false,"error":{"code","sentence"}} on
// `json_to`. Returns kBadEnvironment.
int report(const Error& error, bool json, std::FILE* json_to = stdout);

// The same for usage.
int report_usage(std::string_view sentence, bool json, std::FILE* json_to = stdout);

// One object, one line, flushed. Bytes that are not UTF-8 are replaced.
void print_json(const nlohmann::json& object, std::FILE* to = stdout);

// False once nobody reads stdout any more: time to end.
[[nodiscard]] bool stdout_open() noexcept;

}  // namespace millrace::tools
