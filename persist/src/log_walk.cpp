#include "log_walk.hpp"

namespace millrace {

const char* to_string(WalkEnd end, ItemState state) noexcept {
  switch (end) {
    case WalkEnd::item: return "it is whole";
    case WalkEnd::stop: return "the segment ends before it";
    case WalkEnd::broken: return to_string(state);
    case WalkEnd::stale: return "there is an item of an older segment";
    case WalkEnd::recycled: return "there is an item of a later segment";
    case WalkEnd::misfit: return "an item with another number or chain stands there";
  }
  return "?";
}

WalkEnd LogWalk::compare(const ItemView& view) const noexcept {
  const layout::ItemHeader& header = view.header;
  if (header.segment < segment_.segment) return WalkEnd::stale;
  if (header.segment > segment_.segment) return WalkEnd::recycled;
  const bool head = header.kind == static_cast<std::uint8_t>(layout::ItemKind::segment);
  const bool fits = header.item == place_.item && header.durable < header.item &&
                    (!place_.crc || header.previous_crc == *place_.crc) &&
                    header.epoch >= place_.epoch && head == (place_.offset == 0) &&
                    view.bytes <= segment_.stop - place_.offset;
  return fits ? WalkEnd::item : WalkEnd::misfit;
}

WalkEnd LogWalk::next(ItemView& view, ReadDepth depth) {
  if (place_.offset >= segment_.stop) return WalkEnd::stop;
  state_ = reader_->read(segment_.slot, place_.offset, depth, view);
  if (!authentic(state_)) return WalkEnd::broken;
  const WalkEnd end = compare(view);
  if (end != WalkEnd::item) return end;
  if (state_ != ItemState::whole) return WalkEnd::broken;
  place_.offset += view.bytes;
  place_.item = view.header.item + 1;
  place_.crc = view.header.header_crc;
  place_.epoch = view.header.epoch;
  return WalkEnd::item;
}

bool LogWalk::resume_at(ItemNumber number, ItemView& view) {
  const std::uint32_t block = reader_->manifest().block_bytes;
  for (std::uint64_t at = place_.offset; at < segment_.stop; at += block) {
    const ItemState state = reader_->read(segment_.slot, at, ReadDepth::payload, view);
    if (state != ItemState::whole || view.header.segment != segment_.segment) continue;
    if (view.header.item != number) continue;
    place_ = {.offset = at, .item = number, .crc = {}, .epoch = 0};
    return true;
  }
  return false;
}

}  // namespace millrace
