#include "lost_key.hpp"

#include "item_shape.hpp"
#include "item_view.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <vector>

namespace millrace {

namespace {

constexpr std::size_t kBits = 32;
constexpr std::uint32_t kDepthMax = 4;
constexpr std::uint64_t kItemBytesUsual = std::uint64_t{256} << 10;

struct Candidate {
  layout::ItemHeader header{};
  layout::SegmentHead head{};
  std::uint64_t slot_bytes = 0;
};

// The head that stands at the beginning of a slot, as far as it can be believed without a key: its
// payload has a checksum of its own.
std::optional<Candidate> candidate_in(SlotWindow& window, const Disk::Slot& slot) {
  auto block = window.at(slot.file, 0, sizeof(layout::ItemHeader));
  if (!block) return {};
  Candidate found{.slot_bytes = slot.bytes};
  std::memcpy(&found.header, block->data(), sizeof found.header);
  const layout::ItemHeader& header = found.header;
  const bool is_head = header.magic == layout::kItemMagic && header.offset == 0 &&
                       header.kind == static_cast<std::uint8_t>(layout::ItemKind::segment);
  const std::uint64_t bytes = std::uint64_t{header.stored_bytes} + front_bytes(header);
  if (!is_head || header.codec != 0 || bytes > std::min(slot.bytes, kItemBytesMax)) return {};
  auto item = window.at(slot.file, 0, bytes);
  if (!item || header.stored_bytes < sizeof found.head) return {};
  const auto payload = item->subspan(front_bytes(header), header.stored_bytes);
  if (crc32c(payload) != header.payload_crc) return {};
  std::memcpy(&found.head, payload.data(), sizeof found.head);
  return found;
}

// Solves f(x) = target for a function that is affine over bits and has one solution.
template <class Affine>
std::uint32_t solve(Affine f, std::uint32_t target) {
  const std::uint32_t at_zero = f(0);
  std::array<std::uint32_t, kBits> rows{};  // by their highest bit
  std::array<std::uint32_t, kBits> from{};  // which x makes the row
  for (std::size_t bit = 0; bit < kBits; ++bit) {
    std::uint32_t x = std::uint32_t{1} << bit;
    std::uint32_t row = f(x) ^ at_zero;
    while (row != 0) {
      const auto top = static_cast<std::size_t>(std::bit_width(row) - 1);
      if (rows[top] == 0) {
        rows[top] = row;
        from[top] = x;
        break;
      }
      row ^= rows[top];
      x ^= from[top];
    }
  }
  std::uint32_t left = target ^ at_zero;
  std::uint32_t solution = 0;
  for (std::size_t top = kBits; top-- > 0;) {
    if ((left >> top & 1) == 0) continue;
    left ^= rows[top];
    solution ^= from[top];
  }
  return solution;
}

// What the key made of the checksum before the header began.
std::uint32_t seed_of(SlotWindow& window, Disk::File slot, const Candidate& found) {
  std::vector<std::byte> front(front_bytes(found.header));
  auto bytes = window.at(slot, 0, front.size());
  if (!bytes) return 0;
  std::ranges::copy(*bytes, front.begin());
  std::memset(front.data() + offsetof(layout::ItemHeader, header_crc), 0, sizeof(std::uint32_t));
  return solve([&](std::uint32_t seed) { return crc32c(front, seed); }, found.header.header_crc);
}

// A key that makes the same of it: twelve zero bytes, and four that lead there.
void set_key(layout::Manifest& manifest, std::uint32_t seed) {
  const auto with = [&](std::uint32_t last) {
    std::memset(manifest.key, 0, sizeof manifest.key);
    std::memcpy(manifest.key + sizeof manifest.key - sizeof last, &last, sizeof last);
    return crc32c(std::as_bytes(std::span(manifest.key)));
  };
  static_cast<void>(with(solve(with, seed)));
}

layout::Manifest made_from(const Candidate& newest, std::uint32_t seed, const Disk& disk) {
  layout::Manifest manifest{};
  manifest.magic = layout::kManifestMagic;
  manifest.version = layout::kJournalVersion;
  manifest.generation = 1;
  std::ranges::copy(newest.head.uuid, manifest.uuid);
  set_key(manifest, seed);
  manifest.salt = newest.header.salt;
  manifest.epoch = newest.header.epoch;
  // The deepest there is: the evidence that counts on it is weaker so, never wrong.
  manifest.depth = kDepthMax;
  manifest.block_bytes = disk.facts().block_bytes;
  manifest.segment_bytes = newest.slot_bytes;
  manifest.item_bytes =
      static_cast<std::uint32_t>(std::min(kItemBytesUsual, newest.slot_bytes / 4));
  manifest.durability = static_cast<std::uint32_t>(disk.facts().durability);
  manifest.first_live = newest.head.first_live;
  manifest.boot = newest.header.boot;
  manifest.created_ns = newest.header.wall_ns;
  return manifest;
}

}  // namespace

Result<layout::Manifest> manifest_from_segments(Disk& disk) {
  auto slots = disk.slots();
  if (!slots) return Failure(slots.error());
  std::optional<Candidate> newest;
  std::uint32_t newest_seed = 0;
  std::map<std::uint32_t, int> votes;
  for (const Disk::Slot& slot : *slots) {
    const std::uint32_t block = disk.facts().block_bytes;
    if (slot.bytes == 0 || slot.bytes % block != 0) continue;
    SlotWindow window(disk, block, slot.bytes, block);
    const auto found = candidate_in(window, slot);
    if (!found || found->head.slot != slot.file) continue;
    const std::uint32_t seed = seed_of(window, slot.file, *found);
    ++votes[seed];
    const bool newer = !newest || found->header.segment > newest->header.segment;
    // Who agrees with others counts for more than who is newer: a bad head has a seed of its own.
    if (!newest || votes[seed] > votes[newest_seed] || (seed == newest_seed && newer)) {
      newest = found;
      newest_seed = seed;
    }
  }
  if (newest) return made_from(*newest, newest_seed, disk);
  return fail(Errc::not_found,
              "no slot of the journal has a head that a manifest could be made from");
}

}  // namespace millrace
