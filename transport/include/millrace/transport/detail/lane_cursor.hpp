// One lane as a subscriber reads it, and the message it makes of a record.
#pragma once

#include "millrace/core/cpu.hpp"
#include "millrace/core/lane_reader.hpp"
#include "millrace/core/order_layout.hpp"
#include "millrace/core/reader_layout.hpp"
#include "millrace/core/remembered_layout.hpp"
#include "millrace/transport/detail/stamp_due.hpp"
#include "millrace/transport/message.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace millrace::detail {

// What a look for a message came to. An Error is large; it is made only when there is one.
enum class Look : std::uint8_t {
  message,
  nothing,
  again,    // nothing yet, but another round is due
  failed,   // SubscriberState::failure says why
  stamped,  // a message, not taken yet, that is to be stamped: next_stamped() takes it
};

class MessageMaker {
 public:
  static void make(Message& message, const Record& record, const std::byte* data,
                   std::uint32_t lane) noexcept {
    message.data_ = data;
    message.position_ = record.position;
    message.sequence_ = record.sequence;
    message.length_ = record.length;
    message.lane_ = lane;
    message.key_ = record.key;
  }
};

// One lane as this subscriber reads it.
struct LaneCursor {
  LaneReader<ProductionMemory> reader;
  layout::ReaderSlot* slot = nullptr;  // own words: position and counters
  const std::atomic<std::uint32_t>* poisoned = nullptr;
  layout::RememberedSlot* remembered = nullptr;  // where our name's place in this lane is kept
  Position published = 0;                        // last position stored in the slot
  Position due_at = 0;                           // an eighth of the ring later it is stored again
  // Records from here on wait until the journal has them; a visible reader waits for none.
  Position deliverable = std::numeric_limits<Position>::max();
  Ordinal since = 0;               // in an ordered channel: words before it are not of our place
  std::uint64_t version_seen = 0;  // of the lane's checkpoints, when it was last looked after
  Sequence first = 0;              // asked for: messages before it are passed over
  std::uint64_t received = 0;
  std::uint64_t skipped = 0;
  std::uint64_t unknown = 0;  // counted before this cursor was made
  std::uint32_t lane = 0;
  std::uint32_t run = 0;         // messages since the lane was last found empty
  std::uint32_t idle = 0;        // times in a row it was found empty
  std::uint32_t rest = 0;        // turns to leave out, because it is idle and others are not
  std::uint32_t stuck = 0;       // overruns in a row that did not move it
  std::uint32_t unreleased = 0;  // stamped messages that were not released yet
  Sequence stamp_due = Sampling::kNever;  // the next message that is stamped

  // Idle lanes are looked at less often. After a run, a reader that polls at once polls the very
  // line that is being written, and the two processors pull it to and fro: a moment's distance
  // doubles a flood, and lone messages never see it.
  void found_empty() noexcept {
    constexpr std::uint32_t kRestMax = 31;
    constexpr std::uint32_t kRun = 8;
    constexpr int kStepBack = 8;
    idle = run != 0 ? 0 : idle + 1;
    rest = idle < kRestMax ? idle : kRestMax;
    if (run >= kRun) {
      for (int i = 0; i < kStepBack; ++i)
        cpu::pause();
    }
    run = 0;
  }

  // A producer publishes below its limit only. Without this look a ring that its publisher has
  // filled with records that do not pass would be walked round and round.
  [[nodiscard]] bool may_step_over(const Record& record) const noexcept {
    // Relaxed: the header's acquire load in poll() orders it.
    return record.position < reader.lane().limit().load(std::memory_order_relaxed);
  }

  // An eighth of the ring is used up: time to let the publisher have it.
  [[nodiscard]] bool due() const noexcept { return reader.position() >= due_at; }

  // The slot says so.
  void stands_at(Position position) noexcept {
    published = position;
    due_at = position + reader.lane().capacity() / 8;
  }
};

// Brings the counters that observers see up to date.
void store_counters(const LaneCursor& cursor) noexcept;

// The same, where everything before the cursor was released: its place is remembered, too.
void note_release(const LaneCursor& cursor) noexcept;

}  // namespace millrace::detail
