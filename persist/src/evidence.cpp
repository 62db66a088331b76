#include "evidence.hpp"

#include <algorithm>

namespace millrace {

const char* to_string(Proof proof) noexcept {
  switch (proof) {
    case Proof::none: return "nothing";
    case Proof::clean_end: return "the end that was written in good order";
    case Proof::lower_bound: return "the manifest";
    case Proof::watermark: return "the watermark of a later item";
    case Proof::depth: return "an item that was written later";
    case Proof::epoch: return "a later opening";
  }
  return "?";
}

std::optional<layout::Tombstone> loss_of(const layout::Manifest& manifest,
                                         ItemNumber item) noexcept {
  for (std::uint32_t i = 0; i < manifest.tombstones; ++i) {
    const layout::Tombstone& loss = manifest.accepted[i];
    if (loss.from <= item && item <= loss.to) return loss;
  }
  return std::nullopt;
}

Evidence::Evidence(const layout::Manifest& manifest) : manifest_(manifest) {
  prove(manifest.clean_end, manifest.epoch, Proof::clean_end);
  prove(manifest.lower_bound, manifest.epoch, Proof::lower_bound);
}

// What an administrator gave up is proven no longer, unless by a later epoch.
void Evidence::prove(ItemNumber item, std::uint64_t epoch, Proof by) {
  while (const auto loss = loss_of(manifest_, item)) {
    if (epoch > loss->epoch || loss->from == 0) break;
    item = loss->from - 1;
  }
  if (item <= proven_) return;
  proven_ = item;
  by_ = by;
}

void Evidence::take(const layout::ItemHeader& header) {
  highest_item_ = std::max(highest_item_, header.item);
  highest_epoch_ = std::max(highest_epoch_, header.epoch);
  highest_segment_ = std::max(highest_segment_, header.segment);
  prove(header.durable, header.epoch, Proof::watermark);
  if (header.item > manifest_.depth) {
    prove(header.item - manifest_.depth, header.epoch, Proof::depth);
  }
}

void Evidence::take_new_epoch(ItemNumber item, std::uint64_t epoch) {
  if (item > 0) prove(item - 1, epoch, Proof::epoch);
}

}  // namespace millrace
