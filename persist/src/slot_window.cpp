#include "slot_window.hpp"

#include "item_shape.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace {
namespace {

// Threads are not started for a look at a few items.
constexpr std::uint64_t kStreamAfterBytes = std::uint64_t{4} << 20;

}  // namespace

SlotWindow::SlotWindow(Disk& disk, std::uint32_t block_bytes, std::uint64_t slot_bytes,
                       std::uint64_t ahead_bytes)
    : disk_(&disk),
      block_bytes_(block_bytes),
      slot_bytes_(slot_bytes),
      ahead_bytes_(std::max<std::uint64_t>(ahead_bytes, block_bytes)) {}

void SlotWindow::forget() {
  held_bytes_ = 0;
  in_a_row_ = 0;
  if (stream_) stream_->forget();
}

// What is held stays.
bool SlotWindow::reserve(std::uint64_t bytes) {
  if (bytes <= capacity_) return true;
  std::unique_ptr<std::byte, Free> larger(
      static_cast<std::byte*>(std::aligned_alloc(block_bytes_, bytes)));
  if (!larger) return false;
  if (held_bytes_ != 0) std::memcpy(larger.get(), memory_.get(), held_bytes_);
  memory_ = std::move(larger);
  capacity_ = bytes;
  return true;
}

// Reads on where what is held ends; what is held from `offset` on is kept. False: it cannot be had.
bool SlotWindow::go_on(std::uint64_t offset, std::uint64_t bytes) {
  held_bytes_ -= offset - offset_;
  std::memmove(memory_.get(), memory_.get() + (offset - offset_), held_bytes_);
  offset_ = offset;
  if (take_streamed(bytes)) return true;
  const std::uint64_t from = offset_ + held_bytes_;
  const std::uint64_t more =
      std::min(std::max(bytes - held_bytes_, ahead_bytes_), slot_bytes_ - from);
  if (!reserve(held_bytes_ + more)) return false;
  if (!disk_->read(slot_, from, {memory_.get() + held_bytes_, more})) return false;
  held_bytes_ += more;
  in_a_row_ += more;
  return true;
}

// The same from what was read in advance.
bool SlotWindow::take_streamed(std::uint64_t bytes) {
  if (!stream_ || in_a_row_ < kStreamAfterBytes) return false;
  while (held_bytes_ < bytes) {
    const auto piece = stream_->next(slot_, offset_ + held_bytes_, slot_bytes_);
    if (piece.empty() || !reserve(held_bytes_ + piece.size())) return false;
    std::memcpy(memory_.get() + held_bytes_, piece.data(), piece.size());
    held_bytes_ += piece.size();
  }
  return true;
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
  if (held) return std::span<const std::byte>(memory_.get() + (offset - offset_), bytes);
  const std::uint64_t exact = rounded_up(bytes, block_bytes_);
  const bool goes_on =
      held_bytes_ != 0 && slot == slot_ && offset >= offset_ && offset <= offset_ + held_bytes_;
  // The next slot is the next segment, for whoever reads a whole log.
  if (!goes_on && (offset != 0 || in_a_row_ < kStreamAfterBytes)) in_a_row_ = 0;
  if (!goes_on || !go_on(offset, exact)) {
    const std::uint64_t ahead = std::min(std::max(exact, ahead_bytes_), slot_bytes_ - offset);
    if (!fill(slot, offset, ahead)) {
      auto just = fill(slot, offset, std::min(exact, slot_bytes_ - offset));
      if (!just) return Failure(just.error());
    }
  }
  return std::span<const std::byte>(memory_.get() + (offset - offset_), bytes);
}

}  // namespace millrace
