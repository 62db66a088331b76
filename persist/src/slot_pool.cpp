#include "slot_pool.hpp"

#include <algorithm>

namespace millrace {

void SlotPool::add_spare(Disk::File file) {
  known_.insert(file);
  spares_.push_back(file);
}

void SlotPool::add_unprepared(Disk::File file) {
  known_.insert(file);
  unprepared_.push_back(file);
}

Disk::File SlotPool::take() noexcept {
  const Disk::File file = spares_.front();
  spares_.erase(spares_.begin());
  return file;
}

Disk::File SlotPool::next_to_prepare() const noexcept {
  if (!unprepared_.empty()) return unprepared_.back();
  Disk::File lowest = 0;
  for (const Disk::File file : known_) {
    if (file != lowest) break;
    ++lowest;
  }
  return lowest;
}

void SlotPool::prepared(Disk::File file, bool ready) {
  std::erase(unprepared_, file);
  if (ready) {
    add_spare(file);
  } else {
    // A preparation that failed leaves nothing behind, so the number is free again.
    known_.erase(file);
  }
}

std::optional<Disk::File> SlotPool::superfluous() {
  if (spares_.size() <= keep_) return std::nullopt;
  const Disk::File file = spares_.back();
  spares_.pop_back();
  known_.erase(file);
  return file;
}

}  // namespace millrace
