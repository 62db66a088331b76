// A layout fingerprint is a compile-time hash of every number that shapes a file's bytes. It stands
// in the file's header: a process built with another layout refuses the file instead of misreading
// it, even where somebody forgot to raise the format version.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace millrace {

// FNV-1a over the numbers, byte by byte. The same numbers give the same hash with every compiler.
consteval std::uint64_t fingerprint(std::initializer_list<std::uint64_t> numbers) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint64_t number : numbers) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      hash = (hash ^ (number >> shift & 0xff)) * 0x100000001b3;
    }
  }
  return hash;
}

}  // namespace millrace
