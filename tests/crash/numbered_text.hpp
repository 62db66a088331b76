// Messages that can be checked to the last byte from their number alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::testing_support {

// Of many lengths, so that records begin everywhere in the ring.
inline std::string numbered_text(std::uint64_t number) {
  return std::to_string(number) + ":" +
         std::string(number * 37 % 300, static_cast<char>('a' + number % 26));
}

}  // namespace millrace::testing_support
