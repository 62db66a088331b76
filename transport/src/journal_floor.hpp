// The journal's share in a lane's limit. On a durable channel nothing at or above the lane's
// durable point is overwritten: the journal counts like a reader that cannot die, be evicted or be
// lapped, under every policy. Only a detached journal, and one that fails on a channel created with
// WhenJournalFails::proceed, are not waited for; what is overwritten then is counted.
//
// Only the lane's own publisher uses it, on its slow path. Every word of CH/journal is a claim: a
// point that goes back, or lies beyond what is published, is no progress.
#pragma once

#include "channel_state.hpp"
#include "lane_files.hpp"
#include "millrace/core/futex.hpp"
#include "millrace/core/limit.hpp"
#include "reader_table.hpp"

#include <cstdint>

namespace millrace::detail {

class JournalFloor {
 public:
  JournalFloor(const ChannelState& channel, const LaneFiles& lane) noexcept;

  // The newest durable point; `published`: the frontier. Of a channel that is not durable, {0, 0}.
  Checkpoint durable(Checkpoint published) noexcept;

  // The position that must stay; kNoReader if the channel is not durable. `floor`: what lies below
  // it is overwritten already.
  Position position(Checkpoint published, Position floor) noexcept;

  // Is the journal what stands in the way? Decided by the last SpaceHolders::slowest().
  [[nodiscard]] bool blocks() const noexcept { return blocks_; }

  void set_blocks(bool blocks) noexcept { blocks_ = blocks; }

  // Is it not waited for, at this moment?
  [[nodiscard]] bool let_go() const noexcept;

  // A probe: nobody holds the journal, and the channel need not wait for the next one. True: from
  // now on this persister is not counted.
  bool drop_if_down() noexcept;

  // Sleeps until the journal may have moved, at most `bound_ns`. What moved since the last
  // durable() or position() ends it at once.
  void park(std::uint64_t bound_ns) const noexcept;

  // Counts what the limit gave up before it was durable. Call when the limit was raised, before
  // anything is written.
  void account(Checkpoint published, Position limit) noexcept;

  [[nodiscard]] const ChannelJournal& journal() const noexcept { return channel_.journal; }

 private:
  const ChannelState& channel_;
  const LaneFiles& lane_;
  Checkpoint durable_;
  Checkpoint given_up_;         // where the next account() goes on; below it all is counted
  std::uint64_t dead_ = 0;      // incarnation of a persister that is proven dead
  std::uint32_t advanced_ = 0;  // as it was before the last look
  std::uint32_t state_ = 0;     // the same
  bool blocks_ = false;
};

// All whom a lane waits for, as LimitKeeper asks (limit.hpp): its readers and the journal.
class SpaceHolders {
 public:
  SpaceHolders(ReaderTable& readers, JournalFloor& floor,
               const LaneWriter<ProductionMemory>& writer) noexcept
      : readers_(readers), floor_(floor), writer_(writer) {}

  [[nodiscard]] std::uint64_t generation() const noexcept { return readers_.generation(); }

  void refresh() noexcept { readers_.refresh(); }

  Position slowest(Position floor) noexcept {
    const Position reader = readers_.slowest(floor);
    const Position durable = floor_.position({writer_.position(), writer_.sequence()}, floor);
    // A tie is the journal's: giving up on the reader would not help.
    floor_.set_blocks(durable != kNoReader && durable <= reader);
    return durable < reader ? durable : reader;
  }

 private:
  ReaderTable& readers_;
  JournalFloor& floor_;
  const LaneWriter<ProductionMemory>& writer_;
};

}  // namespace millrace::detail
