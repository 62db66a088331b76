#include "reader_table.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace millrace::detail {

namespace {

bool unlinked(int directory) noexcept {
  struct stat status {};

  return fstat(directory, &status) == 0 && status.st_nlink == 0;
}

}  // namespace

void ReaderTable::refresh() noexcept {
  const std::uint64_t now = generation();  // read before the directory: nobody is missed
  if (now == refreshed_at_) return;
  blocker_ = kNobody;
  if (unlinked(channel_.readers.get())) {
    // The domain was removed under us: those we know may go on, others cannot come.
    refreshed_at_ = now;
    return;
  }
  uncertain_ = true;
  const auto present = reader_names(channel_);
  if (!present) return;
  std::erase_if(entries_, [&](const Entry& entry) {
    return std::find(present->begin(), present->end(), entry.files.name()) == present->end();
  });
  for (const ReaderName& name : *present) {
    const bool known = std::any_of(entries_.begin(), entries_.end(),
                                   [&](const Entry& entry) { return entry.files.name() == name; });
    if (known) continue;
    // One that cannot be opened has just left, or is no reader of ours: nobody to wait for.
    auto opened = ReaderFiles::open(channel_, name);
    if (!opened && !proves_no_reader(opened.error().code())) return;
    if (opened) {
      entries_.push_back(
          {.files = std::move(*opened),
           .peer = peer_name(channel_.domain->directory.fd(), name.participant, name.number)});
    }
  }
  uncertain_ = false;
  refreshed_at_ = now;
}

bool ReaderTable::placed(const Entry& entry) const noexcept {
  // [sync:place] Acquire: the position that belongs to this epoch is seen with it.
  return entry.files.slot(lane_).lane_epoch.load(std::memory_order_acquire) == epoch_;
}

bool ReaderTable::counts(const Entry& entry) const noexcept {
  if (entry.dead || entry.files.lossy()) return false;
  const layout::ReaderSlot& slot = entry.files.slot(lane_);
  // Relaxed: a reader's own words, which only ever say "wait for me no longer" or "again".
  const std::uint64_t joins = slot.joins.load(std::memory_order_relaxed);
  if (entry.evicted && (joins == entry.evicted_joins || entry.evicted_in == turn_)) return false;
  const layout::ReaderState state = entry.files.state();
  if (placed(entry)) {
    return state != layout::ReaderState::left && slot.left.load(std::memory_order_relaxed) == 0;
  }
  return state == layout::ReaderState::active;
}

Position ReaderTable::position_of(const Entry& entry) const noexcept {
  if (!placed(entry)) return 0;
  // [sync:space] Acquire: the reader has finished with the bytes below it. Without it this producer
  // could overwrite them while they are still being read.
  return entry.files.slot(lane_).position.load(std::memory_order_acquire);
}

const layout::Word& ReaderTable::moving_word(const Entry& entry) const noexcept {
  const layout::ReaderSlot& slot = entry.files.slot(lane_);
  return placed(entry) ? slot.position : slot.lane_epoch;
}

Position ReaderTable::slowest(Position floor) noexcept {
  Position lowest = kNoReader;
  blocker_ = kNobody;
  if (channel_.options.policy == Policy::lossy) return lowest;
  if (uncertain_) return floor;  // somebody may be there whom we cannot see: not a byte further
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!counts(entries_[i])) continue;
    const Position position = position_of(entries_[i]);
    if (position < floor || position >= lowest || position % kRecordAlign != 0) continue;
    lowest = position;
    blocker_ = i;
  }
  return lowest;
}

std::size_t ReaderTable::listening() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
        const layout::ReaderState state = entry.files.state();
        return !entry.dead &&
               (state == layout::ReaderState::active || state == layout::ReaderState::joining);
      }));
}

Sequence ReaderTable::first_heard(Sequence now) const noexcept {
  Sequence first = now;
  for (const Entry& entry : entries_) {
    const layout::ReaderSlot& slot = entry.files.slot(lane_);
    if (entry.dead) continue;
    if (!placed(entry)) {
      if (entry.files.state() == layout::ReaderState::active) first = 0;
      continue;
    }
    // Its own counters, and only for a figure: what it passed since it began.
    const std::uint64_t passed = slot.received.load(std::memory_order_relaxed) +
                                 slot.skipped.load(std::memory_order_relaxed) +
                                 slot.lost.load(std::memory_order_relaxed);
    const Sequence at = slot.sequence.load(std::memory_order_relaxed);
    first = std::min(first, at > passed ? at - passed : 0);
  }
  return first;
}

bool ReaderTable::any_lossy() const noexcept {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return entry.files.lossy(); });
}

std::optional<std::uint32_t> ReaderTable::node_of_first() const noexcept {
  for (const Entry& entry : entries_) {
    if (!entry.dead && entry.files.node()) return entry.files.node();
  }
  return std::nullopt;
}

void ReaderTable::give_up(Entry& entry) const noexcept {
  entry.evicted = true;
  entry.evicted_in = turn_;
  entry.evicted_joins = entry.files.slot(lane_).joins.load(std::memory_order_relaxed);
}

}  // namespace millrace::detail
