// Walks the items of one segment and stops at the first that is not the next one of the log.
#pragma once

#include "item_view.hpp"

#include <cstdint>
#include <optional>

namespace millrace {

// Where a walk stands: what the next item must be.
struct WalkPlace {
  std::uint64_t offset = 0;
  ItemNumber item = 0;               // expected number
  std::optional<std::uint32_t> crc;  // of the item before; nothing: not known
  std::uint64_t epoch = 0;           // of the item before
};

enum class WalkEnd : std::uint8_t {
  item,      // none: here is the next one
  stop,      // the segment's end, as its successor or its slot says
  broken,    // see ItemState
  stale,     // an item of an older segment that this slot held
  recycled,  // an item of a later one: the slot was used again meanwhile
  misfit,    // an item of this segment, but with another number, chain or epoch
};

struct WalkSegment {
  Disk::File slot = 0;
  std::uint64_t segment = 0;
  std::uint64_t stop = 0;  // items end here or before
};

class LogWalk {
 public:
  LogWalk(ItemReader& reader, const WalkSegment& segment, const WalkPlace& from) noexcept
      : reader_(&reader), segment_(segment), place_(from) {}

  // REQUIRES for ReadDepth::header that nobody relies on the item.
  WalkEnd next(ItemView& view, ReadDepth depth = ReadDepth::payload);

  // Looks for item `number` behind an accepted loss; true: the walk goes on with it.
  bool resume_at(ItemNumber number, ItemView& view);

  [[nodiscard]] const WalkPlace& place() const noexcept { return place_; }

  [[nodiscard]] const WalkSegment& segment() const noexcept { return segment_; }

  // Of what stands at place(), after a call that did not end with an item.
  [[nodiscard]] ItemState state() const noexcept { return state_; }

 private:
  [[nodiscard]] WalkEnd compare(const ItemView& view) const noexcept;

  ItemReader* reader_;
  WalkSegment segment_;
  WalkPlace place_;
  ItemState state_ = ItemState::whole;
};

[[nodiscard]] const char* to_string(WalkEnd end, ItemState state) noexcept;

}  // namespace millrace
