// Copies between private memory and ring bytes that the other side may be changing at this moment.
// The outcome of a race is decided afterwards, by validating `limit`; until then it must merely not
// be undefined, so every shared word moves through a relaxed atomic (protocol.md T16).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace millrace {

// Copies `length` bytes out of the ring, rounded up to whole words: `to` needs room for that.
// REQUIRES `from` to be 8-byte aligned, as every payload is.
inline void copy_from_ring(std::byte* to, const std::byte* from, std::size_t length) noexcept {
  const auto* words = reinterpret_cast<const std::uint64_t*>(from);
  for (std::size_t at = 0; at < length; at += sizeof(std::uint64_t)) {
    // atomic_ref of a const object is C++26; the load does not write.
    auto& word = const_cast<std::uint64_t&>(words[at / sizeof(std::uint64_t)]);
    const std::uint64_t value = std::atomic_ref(word).load(std::memory_order_relaxed);
    std::memcpy(to + at, &value, sizeof value);
  }
}

// Copies `length` bytes into the ring. The last word is filled up with zeroes: a record's padding
// belongs to the record.
inline void copy_to_ring(std::byte* to, const std::byte* from, std::size_t length) noexcept {
  auto* words = reinterpret_cast<std::uint64_t*>(to);
  for (std::size_t at = 0; at < length; at += sizeof(std::uint64_t)) {
    const std::size_t rest = length - at;
    std::uint64_t value = 0;
    std::memcpy(&value, from + at, rest < sizeof value ? rest : sizeof value);
    std::atomic_ref(words[at / sizeof(std::uint64_t)]).store(value, std::memory_order_relaxed);
  }
}

}  // namespace millrace
