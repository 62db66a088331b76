// CH/journal as its one writer sees it. Nobody else stores into it; a persister that dies between
// any two stores leaves what the next one, and every reader, can still use.
//
//   dies after                 then                              repaired by
//   persister named            a dead persister: "down"          the next attach
//   slot cleared               a lane without a point            the next new_lanes()
//   point written, not turned  the point before it holds         the next durable()
//   turned, nobody woken       sleepers wait out their bound     nobody
#pragma once

#include "channel_state.hpp"
#include "millrace/core/channel_journal_layout.hpp"
#include "millrace/core/position.hpp"

#include <cstdint>
#include <optional>

namespace millrace::detail {

class JournalWords {
 public:
  // Errors: no_permission, format, not_found.
  [[nodiscard]] static Result<JournalWords> open(const ChannelState& channel);

  [[nodiscard]] layout::ChannelJournalFile& file() const noexcept {
    return *reinterpret_cast<layout::ChannelJournalFile*>(segment_->data());
  }

  [[nodiscard]] layout::JournalSlot& slot(std::uint32_t lane) const noexcept {
    return *reinterpret_cast<layout::JournalSlot*>(segment_->data() +
                                                   layout::journal_slot_offset(lane));
  }

  [[nodiscard]] layout::JournalState state() const noexcept;

  // Says who writes from now on, for which log.
  void take(ParticipantName persister, const Uuid& log, const Uuid& channel_in_log,
            std::uint64_t epoch) noexcept;

  // Says that nobody does, if it was this one.
  void leave(ParticipantName persister) noexcept;

  // Gives lane N's slot to the lane of this epoch, unless it has it already. Returns its point.
  Checkpoint begin_lane(std::uint32_t lane, std::uint64_t epoch, Checkpoint first) noexcept;

  // The next durable point. REQUIRES: it is beyond the last one.
  void show(std::uint32_t lane, Checkpoint point) noexcept;

  // What lies in [first, place.sequence) may be missing; the ring from `place` on must stay.
  void skip(std::uint32_t lane, Sequence first, Checkpoint place) noexcept;

  // May the lane's ring have been overwritten since the last persister looked at it?
  [[nodiscard]] bool was_detached(std::uint32_t lane) const noexcept;
  void settle_detached(std::uint32_t lane) noexcept;

  void refuse(std::uint32_t lane) noexcept;
  void say(layout::JournalState state, int error) noexcept;

  void wake(std::uint32_t lane) noexcept;

 private:
  explicit JournalWords(Segment segment) noexcept;

  // Says which channel of which log this is.
  void belong(const Uuid& log, const Uuid& channel_in_log) noexcept;

  std::optional<Segment> segment_;
  Watched watch_;
};

}  // namespace millrace::detail
