// A subscriber's own words in one lane, as the join protocol (core/join.hpp) uses them.
#pragma once

#include "channel_state.hpp"
#include "counter.hpp"
#include "millrace/core/position.hpp"
#include "millrace/core/reader_layout.hpp"

#include <cstdint>

namespace millrace::detail {

class OwnWords {
 public:
  OwnWords(const ChannelState& channel, layout::ReaderSlot& slot, std::uint64_t epoch) noexcept
      : channel_(channel), slot_(slot), epoch_(epoch) {
    add(slot.joins);
  }

  void stand_at(Checkpoint place) noexcept {
    // [sync:space] Release, as every store of a position.
    slot_.position.store(place.position, std::memory_order_release);
    slot_.sequence.store(place.sequence, std::memory_order_relaxed);
    // [sync:place] Release: who is to wait for us again must not wait at the place before this one.
    slot_.left.store(0, std::memory_order_release);
    // [sync:place] Release: without it a publisher could take an old lane's position for ours.
    slot_.lane_epoch.store(epoch_, std::memory_order_release);
  }

  void announce() noexcept {
    // [sync:join] Sequentially consistent: the publisher's half of Dekker's handshake is limit.hpp.
    channel_.doorbell().reader_generation.fetch_add(1, std::memory_order_seq_cst);
  }

 private:
  const ChannelState& channel_;
  layout::ReaderSlot& slot_;
  std::uint64_t epoch_;
};

// Publishers need not wait for us in this lane.
enum class Aside : std::uint64_t { done = 1, reads_journal = 2 };

inline void stand_aside(layout::ReaderSlot& slot, std::uint64_t epoch, Aside why) noexcept {
  slot.left.store(static_cast<std::uint64_t>(why), std::memory_order_relaxed);
  // [sync:place] Release: who finds us placed in this lane finds that we stand aside.
  slot.lane_epoch.store(epoch, std::memory_order_release);
}

}  // namespace millrace::detail
