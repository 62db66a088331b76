// The order ring over lanes (core/order_ring.hpp), as the transport uses it, behind the interface
// of this folder: without a channel, participants and wake-ups, so that it stands beside the
// others. Nobody reads: it is what publishing costs.
#pragma once

#include "log_records.hpp"
#include "millrace/core/lane_writer.hpp"
#include "millrace/core/limit.hpp"
#include "millrace/core/order_ring.hpp"
#include "shared_ring.hpp"

namespace millrace::alternatives {

class LaneLog {
 public:
  static constexpr std::uint64_t kControlBytes = kPageBytes;

  // Bytes of the order's file for so many lanes.
  static constexpr std::uint64_t order_bytes(std::uint32_t lanes,
                                             std::uint64_t ring_bytes) noexcept {
    return layout::order_file_bytes(layout::order_words(lanes, ring_bytes));
  }

  // `lane`: our own; `order`: the file of all.
  LaneLog(const RingMaps& lane, std::byte* order, std::uint32_t number,
          std::uint32_t lanes) noexcept
      : writer_(LaneView(reinterpret_cast<layout::LaneControl*>(lane.control.data()),
                         lane.ring.data(), lane.ring.ring_bytes()),
                {0, 0, 0}, layout::kBlockBytes),
        order_(OrderView(order, layout::order_words(lanes, lane.ring.ring_bytes()))),
        first_block_(number * (lane.ring.ring_bytes() / layout::kBlockBytes)) {}

  void publish(std::span<const Message> messages) noexcept {
    for (const Message& message : messages) {
      const auto length = static_cast<std::uint32_t>(message.size());
      if (!writer_.has_room(length)) [[unlikely]]
        keeper_.raise(writer_, writer_.limit_needed(length), nobody_);
      std::memcpy(writer_.lane().payload(writer_.claim_position()), message.data(), length);
      writer_.append(
          {.length = length, .type = RecordType::message, .sequence = 0, .flags = 0, .key = 0});
    }
    const std::uint64_t index = writer_.show_unordered() & (writer_.lane().capacity() - 1);
    const auto placed = order_.publish(first_block_ + index / layout::kBlockBytes,
                                       static_cast<std::uint32_t>(messages.size()));
    if (placed) writer_.ordered(placed->ordinal + 1);
  }

  [[nodiscard]] Sequence messages() const noexcept { return order_.messages(); }

 private:
  struct Nobody {
    [[nodiscard]] static std::uint64_t generation() noexcept { return 0; }

    static void refresh() noexcept {}

    [[nodiscard]] static Position slowest(Position) noexcept { return kNoReader; }
  };

  LaneWriter<ProductionMemory> writer_;
  OrderWriter<ProductionMemory> order_;
  std::uint64_t first_block_;
  Nobody nobody_;
  LimitKeeper<ProductionMemory, Nobody> keeper_;
};

}  // namespace millrace::alternatives
