#include "slot_window.hpp"

#include "item_shape.hpp"

#include <algorithm>

namespace millrace {

SlotWindow::SlotWindow(Disk& disk, std::uint32_t block_bytes, std::uint64_t slot_bytes,
                       std::uint64_t ahead_bytes)
    : disk_(&disk),
      block_bytes_(block_bytes),
      slot_bytes_(slot_bytes),
      ahead_bytes_(std::max<std::uint64_t>(ahead_bytes, block_bytes)) {}

bool SlotWindow::reserve(std::uint64_t bytes) {
  if (bytes <= capacity_) return true;
  memory_.reset(static_cast<std::byte*>(std::aligned_alloc(block_bytes_, bytes)));
  capacity_ = memory_ ? bytes : 0;
  held_bytes_ = 0;
  return memory_ != nullptr;
}

Result<void> SlotWindow::fill(Disk::File slot, std::uint64_t offset, std::uint64_t bytes) {
  held_bytes_ = 0;
  if (!reserve(bytes)) {
    return fail(Errc::no_space, "no memory for %llu bytes of a journal's slot",
                static_cast<unsigned long long>(bytes));
  }
  auto read = disk_->read(slot, offset, {memory_.get(), bytes});
  if (!read) return read;
  slot_ = slot;
  offset_ = offset;
  held_bytes_ = bytes;
  return {};
}

Result<std::span<const std::byte>> SlotWindow::at(Disk::File slot, std::uint64_t offset,
                                                  std::uint64_t bytes) {
  if (offset > slot_bytes_ || bytes > slot_bytes_ - offset) {
    return fail(Errc::damaged, "slot %u of the journal ends before offset %llu", slot,
                static_cast<unsigned long long>(offset + bytes));
  }
  const bool held = held_bytes_ != 0 && slot == slot_ && offset >= offset_ &&
                    offset + bytes <= offset_ + held_bytes_;
  if (!held) {
    const std::uint64_t exact = rounded_up(bytes, block_bytes_);
    const std::uint64_t ahead = std::min(std::max(exact, ahead_bytes_), slot_bytes_ - offset);
    if (!fill(slot, offset, ahead)) {
      auto just = fill(slot, offset, std::min(exact, slot_bytes_ - offset));
      if (!just) return Failure(just.error());
    }
  }
  return std::span<const std::byte>(memory_.get() + (offset - offset_), bytes);
}

}  // namespace millrace
