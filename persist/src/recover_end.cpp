#include "recover_end.hpp"

#include "item_entries.hpp"
#include "item_facts.hpp"

namespace millrace {

// Items that are given up are passed over: the number that the next one must have.
ItemNumber beyond_losses(const layout::Manifest& manifest, ItemNumber item) noexcept {
  for (auto loss = loss_of(manifest, item); loss; loss = loss_of(manifest, item))
    item = loss->to + 1;
  return item;
}

void EndWalk::begin(std::size_t first) {
  const SeenSlot& seen = *chain_->segments[first];
  log_->end = seen.head.predecessor_item;
  log_->end_crc = seen.head.predecessor_crc;
  end_ = {};
  end_.index = first;
  end_.place = {.offset = 0, .item = seen.header.item, .crc = {}, .epoch = 0};
}

Result<void> EndWalk::walk(std::size_t first) {
  begin(first);
  for (;;) {
    auto more = advance();
    if (!more) return Failure(more.error());
    if (!*more) return accept_proven();
  }
}

Result<bool> EndWalk::advance() {
  const SeenSlot& seen = *chain_->segments[end_.index];
  const layout::Manifest& manifest = reader_->manifest();
  LogWalk walk(*reader_,
               {.slot = seen.slot,
                .segment = seen.header.segment,
                .stop = chain_->stop_of(end_.index, manifest.segment_bytes)},
               end_.place);
  ItemView view;
  for (;;) {
    const WalkEnd end = walk.next(view);
    if (end == WalkEnd::item) {
      auto taken = take(end_.index, view);
      if (!taken) return Failure(taken.error());
    } else if (end == WalkEnd::stop || !step_over_loss(walk, view)) {
      end_.place = walk.place();
      end_.end = end;
      end_.state = walk.state();
      return go_on();
    }
  }
}

// True: the walk stands at the first item behind what was given up.
bool EndWalk::step_over_loss(LogWalk& walk, ItemView& view) const {
  const ItemNumber next = beyond_losses(reader_->manifest(), walk.place().item);
  return next != walk.place().item && walk.resume_at(next, view);
}

// Does the log go on with the next segment, whose head says where this one ends? Behind an accepted
// loss its number is all that must fit.
bool EndWalk::go_on() {
  const std::size_t index = end_.index + 1;
  if (index == chain_->segments.size()) return false;
  const SeenSlot& next = *chain_->segments[index];
  const ItemNumber expected = beyond_losses(reader_->manifest(), end_.place.item);
  const bool lost = expected != end_.place.item;
  if (next.header.item != expected) return false;
  const bool met = end_.end == WalkEnd::stop && chain_->linked(end_.index) &&
                   next.head.predecessor_item + 1 == expected &&
                   next.head.predecessor_crc == end_.place.crc;
  if (!met && !lost) return false;
  if (!met) end_.place.crc.reset();
  end_.index = index;
  end_.place.offset = 0;
  end_.place.item = expected;
  return true;
}

Result<void> EndWalk::take(std::size_t index, const ItemView& view) {
  if (const layout::TableEntry* const row = unknown_entry(view)) {
    return fail(Errc::format,
                "journal item %llu has a record of kind %u, which this version does not know; read "
                "the journal with the version that wrote it",
                static_cast<unsigned long long>(view.header.item), row->kind);
  }
  evidence_->take(view.header);
  waiting_.push_back({.index = index, .facts = facts_of(view)});
  return accept_proven();
}

Result<void> EndWalk::accept_proven() {
  while (!waiting_.empty() && waiting_.front().facts.header.item <= evidence_->proven()) {
    auto accepted = accept_one();
    if (!accepted) return accepted;
  }
  return {};
}

Result<void> EndWalk::accept_one() {
  const Waiting& next = waiting_.front();
  const layout::ItemHeader& header = next.facts.header;
  SegmentInfo& segment = log_->segments[next.index];
  if (header.item != log_->end + 1) lanes_->lost_something();
  const std::string wrong = lanes_->follow(next.facts, segment.lane_ends);
  if (!wrong.empty()) {
    return fail(Errc::damaged,
                "journal item %llu (segment %llu, slot %u, offset %llu) is whole, but %.200s; a "
                "defect wrote this log",
                static_cast<unsigned long long>(header.item),
                static_cast<unsigned long long>(header.segment), segment.slot,
                static_cast<unsigned long long>(header.offset), wrong.c_str());
  }
  segment.last_item = header.item;
  segment.end = next.facts.end;
  segment.wall_ns = header.wall_ns;
  segment.boot_ns = header.boot_ns;
  segment.boot = header.boot;
  ++counts_.items;
  counts_.bytes += next.facts.end - header.offset;
  for (const LaneFact& fact : next.facts.lanes) {
    if (const auto* const row = std::get_if<layout::TableEntry>(&fact))
      counts_.messages += row->count;
  }
  log_->end = header.item;
  log_->end_crc = header.header_crc;
  waiting_.pop_front();
  return {};
}

}  // namespace millrace
