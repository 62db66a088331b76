#include "read_ahead.hpp"

#include "quiet_thread.hpp"
#include "staging_buffers.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace millrace {

// The pieces lie in a circle: the first is the one that is asked for next.
class ReadAhead::Readers {
 public:
  ~Readers() { stop(); }

  bool start(Disk& disk) {
    if (!buffers_.make(kPieces, kPieceBytes)) return false;
    for (std::size_t hand = 0; hand + 1 < kPieces; ++hand) {
      std::shared_ptr<DiskReader> reader = disk.make_reader();
      if (!reader) return false;
      std::thread thread = quiet_thread([this, reader] { work(*reader); });
      if (!thread.joinable()) return false;
      threads_.push_back(std::move(thread));
    }
    return true;
  }

  std::span<const std::byte> next(Disk::File slot, std::uint64_t offset, std::uint64_t slot_bytes) {
    std::unique_lock lock(mutex_);
    if (lent_) plan_behind_last();
    const Piece& first = pieces_[first_];
    if (first.state == State::free || slot != slot_ || first.offset != offset) {
      plan_from(lock, slot, offset, slot_bytes);
    }
    Piece& wanted = pieces_[first_];
    wanted_.notify_all();
    read_.wait(lock, [&] { return wanted.state == State::read || wanted.state == State::failed; });
    if (wanted.state == State::failed) return {};
    lent_ = true;
    return buffers_.at(first_).first(wanted.bytes);
  }

  void forget() {
    std::unique_lock lock(mutex_);
    drop(lock);
  }

 private:
  enum class State : std::uint8_t { free, planned, reading, read, failed };

  struct Piece {
    State state = State::free;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };

  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
    }
    wanted_.notify_all();
    for (std::thread& thread : threads_)
      thread.join();
  }

  void work(DiskReader& reader) {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      const std::size_t index = planned();
      if (index == kPieces) {
        wanted_.wait(lock);
        continue;
      }
      Piece& piece = pieces_[index];
      piece.state = State::reading;
      const Disk::File slot = slot_;
      lock.unlock();
      const bool good =
          reader.read(slot, piece.offset, buffers_.at(index).first(piece.bytes)).has_value();
      lock.lock();
      piece.state = good ? State::read : State::failed;
      read_.notify_all();
    }
  }

  // The nearest piece that nobody reads yet; kPieces: there is none.
  [[nodiscard]] std::size_t planned() const noexcept {
    for (std::size_t i = 0; i < kPieces; ++i) {
      const std::size_t index = (first_ + i) % kPieces;
      if (pieces_[index].state == State::planned) return index;
    }
    return kPieces;
  }

  void plan(Piece& piece) noexcept {
    const std::uint64_t bytes = std::min(kPieceBytes, slot_bytes_ - next_offset_);
    piece = {bytes == 0 ? State::free : State::planned, next_offset_, bytes};
    next_offset_ += bytes;
  }

  // The piece that was lent is used up, and goes to the end.
  void plan_behind_last() noexcept {
    plan(pieces_[first_]);
    first_ = (first_ + 1) % kPieces;
    lent_ = false;
  }

  void plan_from(std::unique_lock<std::mutex>& lock, Disk::File slot, std::uint64_t offset,
                 std::uint64_t slot_bytes) {
    drop(lock);
    slot_ = slot;
    slot_bytes_ = slot_bytes;
    next_offset_ = offset;
    for (Piece& piece : pieces_)
      plan(piece);
  }

  // A buffer that a thread reads into is its until it has ended.
  void drop(std::unique_lock<std::mutex>& lock) {
    for (Piece& piece : pieces_)
      if (piece.state == State::planned) piece.state = State::free;
    read_.wait(lock, [&] {
      return std::ranges::none_of(pieces_,
                                  [](const Piece& one) { return one.state == State::reading; });
    });
    pieces_ = {};
    first_ = 0;
    lent_ = false;
  }

  StagingBuffers buffers_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::condition_variable read_;
  std::array<Piece, kPieces> pieces_{};
  std::size_t first_ = 0;
  bool lent_ = false;
  bool ended_ = false;
  Disk::File slot_ = 0;
  std::uint64_t slot_bytes_ = 0;
  std::uint64_t next_offset_ = 0;  // where the next planned piece begins
  std::vector<std::thread> threads_;
};

ReadAhead::ReadAhead(Disk& disk) noexcept : disk_(&disk) {}

ReadAhead::~ReadAhead() {
  // The child has none of its parent's threads; waiting for one would never end.
  if (guard_.foreign()) static_cast<void>(readers_.release());
}

bool ReadAhead::begin() {
  if (readers_) return true;
  readers_ = std::make_unique<Readers>();
  if (readers_->start(*disk_)) return true;
  readers_.reset();
  refused_ = true;
  return false;
}

std::span<const std::byte> ReadAhead::next(Disk::File slot, std::uint64_t offset,
                                           std::uint64_t slot_bytes) {
  if (guard_.foreign() || refused_ || offset >= slot_bytes || !begin()) return {};
  return readers_->next(slot, offset, slot_bytes);
}

void ReadAhead::forget() {
  if (readers_ && !guard_.foreign()) readers_->forget();
}

}  // namespace millrace
