#include "storm_message.hpp"

#include "run_checksum.hpp"
#include "storm_page.hpp"

#include <algorithm>
#include <cstring>

namespace millrace::tools {
namespace {

template <class Word>
void put(std::span<std::byte> into, std::size_t offset, Word word) noexcept {
  std::memcpy(into.data() + offset, &word, sizeof word);
}

template <class Word>
Word get(std::span<const std::byte> from, std::size_t offset) noexcept {
  Word word;
  std::memcpy(&word, from.data() + offset, sizeof word);
  return word;
}

std::uint64_t seal(std::uint64_t seed, std::span<const std::byte> message,
                   const StormHead& head) noexcept {
  const std::uint64_t hash = hash_of(message.data() + 8, message.size() - 8);
  return seal_of(hash, head.sequence, head.life, seed);
}

}  // namespace

void make_storm_message(std::uint64_t seed, const StormHead& head,
                        std::span<std::byte> into) noexcept {
  put(into, 8, head.producer);
  put(into, 16, head.sequence);
  put(into, 24, head.life);
  put(into, 28, std::uint32_t{0});
  std::uint64_t filling = seal_of(head.producer, head.sequence, 0, seed);
  for (std::size_t at = kStormHeadBytes; at < into.size(); at += sizeof filling) {
    std::memcpy(into.data() + at, &filling, std::min(sizeof filling, into.size() - at));
    filling = filling * 0x9e3779b97f4a7c15 + 1;
  }
  put(into, 0, seal(seed, into, head));
}

std::optional<StormHead> open_storm_message(std::uint64_t seed,
                                            std::span<const std::byte> message) noexcept {
  if (message.size() < kStormHeadBytes) return std::nullopt;
  const StormHead head{get<std::uint64_t>(message, 8), get<std::uint64_t>(message, 16),
                       get<std::uint32_t>(message, 24)};
  if (get<std::uint64_t>(message, 0) != seal(seed, message, head)) return std::nullopt;
  return head;
}

std::string storm_producer_text(std::uint64_t producer) {
  if (producer < kStormUnnamed) {
    return "publisher " + storm_publisher_name(static_cast<std::uint32_t>(producer));
  }
  return "the unnamed publisher of life " + std::to_string(producer - kStormUnnamed);
}

}  // namespace millrace::tools
