// Numbers for people who compare them digit by digit.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::tools {

// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);

// 16 hexadecimal digits.
[[nodiscard]] std::string checksum_text(std::uint64_t checksum);

}  // namespace millrace::tools
