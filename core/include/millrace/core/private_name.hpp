// Files and directories that are not finished carry a private name until one rename shows them:
// ".new.PID.INCARNATION.NUMBER" (hexadecimal but for the pid). Readers skip such names; `clean`
// removes those whose creator is proven dead.
//
// Thread rules: any thread.
#pragma once

#include "millrace/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

// A fresh one; no other call returns it again.
[[nodiscard]] std::string private_name(std::uint64_t creator_incarnation);

struct PrivateName {
  std::uint32_t pid = 0;  // for people only: pids are reused
  std::uint64_t creator_incarnation = 0;
};

// Nothing for any other name, whoever wrote it.
[[nodiscard]] std::optional<PrivateName> parse_private_name(std::string_view name) noexcept;

// Gives a finished file or directory its final name, unless that is taken (Errc::exists).
[[nodiscard]] Result<void> show_private_name(int directory_fd, const char* private_name,
                                             int target_directory_fd, const char* name) noexcept;

}  // namespace millrace
