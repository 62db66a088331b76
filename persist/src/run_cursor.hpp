// Walks the ring records of a run. The bytes were vouched for by their item, but whoever published
// them could write what it liked into its ring: lengths and sequences are checked all the same.
#pragma once

#include "item_view.hpp"
#include "millrace/core/record_layout.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace millrace {

class RunCursor {
 public:
  struct Record {
    layout::RecordHeader header{};
    Sequence sequence = 0;
    std::span<const std::byte> bytes;
  };

  RunCursor() = default;

  explicit RunCursor(const ItemEntry& run) noexcept
      : bytes_(run.payload), sequence_(run.row.first), left_(run.row.count) {}

  // The next message. Claims that were given up, paddings and records of a kind that may be skipped
  // are passed over. Nothing: the run is done, or what follows is no record.
  [[nodiscard]] std::optional<Record> next() noexcept;

  // After the last message: was every record as it should be?
  [[nodiscard]] bool whole() const noexcept { return whole_ && left_ == 0; }

 private:
  std::span<const std::byte> bytes_;
  Sequence sequence_ = 0;
  std::uint32_t left_ = 0;  // numbers that the run still has
  bool whole_ = true;
};

}  // namespace millrace
