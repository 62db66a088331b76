// Items on their way to the disk, and which of them are durable: the end of the contiguous prefix
// of completed ones, never more.
//
// I1: item m is submitted only while m - durable() <= depth, so that whoever finds item m knows
//     that m - depth was durable.
// I2: the first error of a write or flush poisons for ever: nothing is retried, nothing more is
//     reported. What was in flight may be on the medium or not.
#pragma once

#include "item_times.hpp"
#include "millrace/persist/disk.hpp"
#include "millrace/persist/journal.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace millrace {

class LogWriter {
 public:
  static constexpr std::uint32_t kDepthMost = 4;

  struct Prepared {
    Disk::File file = 0;
    int error = 0;  // errno; 0: the slot is ready
  };

  struct Write {
    ItemNumber item = 0;
    Disk::File file = 0;
    std::uint64_t offset = 0;
    std::size_t buffer = 0;
    std::size_t bytes = 0;
  };

  // Buffers: one for each item in flight, one that is being filled, one for the journal's own.
  LogWriter(Disk& disk, Durability mode, std::uint32_t depth, ItemNumber durable);

  Result<void> make_buffers(std::size_t bytes);
  [[nodiscard]] std::optional<std::size_t> take_buffer() noexcept;

  void give_back(std::size_t buffer) noexcept { free_buffers_.push_back(buffer); }

  [[nodiscard]] ItemNumber submitted() const noexcept { return submitted_; }

  [[nodiscard]] ItemNumber durable() const noexcept { return durable_; }

  // Every item up to this one has been written, durable or not.
  [[nodiscard]] ItemNumber written() const noexcept;

  [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_; }

  [[nodiscard]] bool may_submit() const noexcept;

  // 0: all is well, else the errno of what poisoned.
  [[nodiscard]] int error() const noexcept { return error_; }

  // Something else that was to be durable failed, and that poisons as well.
  void poison(std::int64_t result) noexcept;

  // REQUIRES may_submit() and write.item == submitted() + 1. The buffer comes back by itself.
  void submit(const Write& write) noexcept;

  // REQUIRES !preparing(). What came of it is prepared(), once.
  void prepare(Disk::File file, std::uint64_t bytes) noexcept;

  [[nodiscard]] bool preparing() const noexcept { return preparing_.has_value(); }

  [[nodiscard]] std::optional<Prepared> prepared() noexcept;

  // Waits for completions, at most so long, and moves durable().
  void wait(std::uint64_t timeout_ns) noexcept;

  [[nodiscard]] const ItemTimes& times() const noexcept { return times_; }

  [[nodiscard]] std::uint64_t flushes() const noexcept { return flushes_; }

 private:
  // An item is volatile between its write's completion and the end of a flush begun after it.
  enum class Stage : std::uint8_t { written, volatile_bytes, flushing, durable };

  struct InFlight {
    Stage stage = Stage::durable;
    Disk::File file = 0;
    std::size_t buffer = 0;
    std::size_t bytes = 0;
    std::uint64_t submitted_ns = 0;
  };

  static constexpr std::size_t kWindow = 64;  // more than any depth: items by their number

  InFlight& at(ItemNumber item) noexcept { return window_[item % kWindow]; }

  void done(const Disk::Done& event) noexcept;
  void write_done(ItemNumber item, std::int64_t result) noexcept;
  void flush_done(std::int64_t result) noexcept;
  void begin_flush() noexcept;
  void advance() noexcept;

  Disk& disk_;
  Durability mode_;
  std::uint32_t depth_;
  ItemNumber submitted_;
  ItemNumber durable_;
  std::uint32_t in_flight_ = 0;  // writes that have not completed
  bool flush_in_flight_ = false;
  int error_ = 0;
  std::array<InFlight, kWindow> window_{};
  std::vector<std::size_t> free_buffers_;
  std::optional<Disk::File> preparing_;
  std::optional<Prepared> prepared_;
  std::uint64_t flushes_ = 0;
  ItemTimes times_;
};

}  // namespace millrace
