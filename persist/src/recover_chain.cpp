#include "recover_chain.hpp"

#include "flaw.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool live(const SeenSlot& seen, const layout::Manifest& manifest) noexcept {
  return seen.state == SlotState::segment && seen.header.segment >= manifest.first_live;
}

// By epoch first: a head that could not be read may come back when its number has been given again.
bool newer(const SeenSlot& one, const SeenSlot& other) noexcept {
  const bool by_epoch = !MILLRACE_FLAW(order_by_number);
  if (by_epoch && one.header.epoch != other.header.epoch)
    return one.header.epoch > other.header.epoch;
  return one.header.segment > other.header.segment;
}

// The newest live one that `wanted` accepts.
template <class Wanted>
const SeenSlot* newest(const SlotSurvey& survey, const layout::Manifest& manifest, Wanted wanted) {
  const SeenSlot* found = nullptr;
  for (const SeenSlot& seen : survey.slots) {
    if (!live(seen, manifest) || !wanted(seen)) continue;
    if (found == nullptr || newer(seen, *found)) found = &seen;
  }
  return found;
}

const SeenSlot* headless_of(const SlotSurvey& survey, std::uint64_t segment) noexcept {
  for (const SeenSlot& seen : survey.slots)
    if (seen.state == SlotState::headless && seen.found_segment == segment) return &seen;
  return nullptr;
}

// Whom a segment follows. Where that one is gone with an accepted loss, whoever came before it.
const SeenSlot* predecessor(const SlotSurvey& survey, const layout::Manifest& manifest,
                            const SeenSlot& of) {
  if (MILLRACE_FLAW(order_by_number)) {
    return newest(survey, manifest,
                  [&](const SeenSlot& seen) { return seen.header.segment < of.header.segment; });
  }
  const std::uint64_t number = of.head.predecessor_segment;
  const SeenSlot* const linked =
      newest(survey, manifest, [&](const SeenSlot& seen) { return seen.header.segment == number; });
  const auto loss = loss_of(manifest, of.head.predecessor_item);
  if (linked != nullptr || !loss) return linked;
  return newest(survey, manifest, [&](const SeenSlot& seen) {
    return seen.header.segment < number && seen.header.item < loss->from;
  });
}

}  // namespace

SegmentInfo segment_of(const SeenSlot& seen) {
  SegmentInfo segment;
  segment.segment = seen.header.segment;
  segment.slot = seen.slot;
  segment.first_item = seen.header.item;
  segment.begin_wall_ns = seen.header.wall_ns;
  segment.begin_boot_ns = seen.header.boot_ns;
  segment.boot = seen.header.boot;
  return segment;
}

Chain link_segments(const SlotSurvey& survey, const layout::Manifest& manifest) {
  Chain chain;
  const SeenSlot* at = newest(survey, manifest, [](const SeenSlot&) { return true; });
  while (at != nullptr) {
    chain.segments.push_back(at);
    const std::uint64_t before = at->head.predecessor_segment;
    if (before == 0 || before < manifest.first_live) break;
    const SeenSlot* const next = predecessor(survey, manifest, *at);
    if (next == nullptr && !loss_of(manifest, at->head.predecessor_item)) {
      chain.missing = {.segment = before, .successor = at, .headless = headless_of(survey, before)};
    }
    at = next;
  }
  std::reverse(chain.segments.begin(), chain.segments.end());
  return chain;
}

}  // namespace millrace
