// One lane of a durable channel, as its journal reads it: a place in the ring from which whole
// records are copied, each header checked as every reader does.
//
// The ring is not overwritten at or above the durable point, so where publishers wait for the
// journal no copy can be torn; limit is looked at all the same, for a publisher may lie. Where they
// may proceed without it, an overtaken journal takes a new place, as an overtaken reader does. A
// publisher that lies may also write records anew while they are copied, and one lane's nonsense in
// the log would make its items unreadable for all: so the copy is what is checked last.
//
// One thread at a time.
#pragma once

#include "journal_words.hpp"
#include "lane_files.hpp"
#include "millrace/transport/journal_feed.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace millrace::detail {

class JournaledLane {
 public:
  JournaledLane(const ChannelState& channel, JournalWords& words, LaneFiles files) noexcept;

  [[nodiscard]] const LaneFiles& files() const noexcept { return files_; }

  // Where the last persister stood; where this one does.
  [[nodiscard]] Checkpoint durable() const noexcept { return durable_; }

  [[nodiscard]] Checkpoint copied() const noexcept { return at_; }

  Result<void> resume(Sequence next) noexcept;
  Result<FeedRun> copy(std::span<std::byte> room) noexcept;
  Result<std::size_t> copy_part(std::uint64_t offset, std::uint64_t whole,
                                std::span<std::byte> room) noexcept;
  void show(Checkpoint point) noexcept;
  void count_gap(std::uint64_t messages) noexcept;

  // Is there something to copy, or something wrong?
  [[nodiscard]] bool something() const noexcept;

  [[nodiscard]] FutexWait next_header() const noexcept;

  // Asks its publisher to wake us for the next record; a heavy barrier must follow.
  void announce_sleep() noexcept;

  // Nothing more is copied.
  void stop() noexcept { ready_ = false; }

  // It may be copied: resume() has found its place.
  [[nodiscard]] bool ready() const noexcept { return ready_; }

 private:
  // Whole records from `begin` on, as many as fit.
  struct Measured {
    Checkpoint begin;  // behind records that take no number
    Checkpoint end;
    std::uint32_t count = 0;
    std::uint64_t next_bytes =
        0;  // of the record behind them, which does not fit; 0: there is none
    bool broken = false;
  };

  class Place;

  [[nodiscard]] Measured measure(std::uint64_t room) const noexcept;
  // Adds the record behind m.end. False: there is none, it does not fit, or it makes no sense.
  bool add_record(Measured& m, std::uint64_t room) const noexcept;
  void copy_bytes(std::byte* to, Position from, std::uint64_t bytes) const noexcept;
  [[nodiscard]] bool intact(Position from) const noexcept;
  // The highest limit that its publisher may take without having seen our place.
  [[nodiscard]] Position horizon() const noexcept;
  // After the publisher has overtaken us: goes on at the oldest checkpoint.
  Result<void> take_new_place() noexcept;
  // Gives the lane up.
  Failure broken(const char* what) noexcept;

  const ChannelState& channel_;
  JournalWords& words_;
  LaneFiles files_;
  Checkpoint durable_;      // the last point shown
  Checkpoint at_;           // the next record to be copied
  std::uint64_t lost_ = 0;  // messages before at_ that nobody has counted yet
  bool may_gap_;
  bool ready_ = false;
};

}  // namespace millrace::detail
