// What the journal's process stamps: a record is begun when a message that is to be stamped is
// appended to the item that is being built, and gets the other stamps with that item.
//
// Thread rules: those of JournalFeed.
#pragma once

#include "stamp_recorder.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace millrace::detail {

class JournalStamps {
 public:
  // Off where the channel's options say so. A journal is not kept from its work by a recorder that
  // cannot be made: refused() says why.
  JournalStamps(const ChannelState& channel, ParticipantName persister);

  [[nodiscard]] const std::string& refused() const noexcept { return refused_; }

  void appended(std::uint32_t lane, std::uint64_t epoch, Sequence first,
                std::uint64_t count) noexcept;

  // What was appended since belongs to `item`, which is on its way.
  void submitted(std::uint64_t item);

  // Every item up to these is written, and is durable.
  void reached(std::uint64_t written, std::uint64_t durable) noexcept;

 private:
  // Records before `end`, and not of an item before this one.
  struct Item {
    std::uint64_t number = 0;
    std::uint64_t end = 0;
    bool written = false;
  };

  void stamp(std::uint64_t begin, std::uint64_t end, std::size_t which) noexcept;

  std::unique_ptr<StampRecorder> recorder_;  // null: off
  std::string refused_;
  std::deque<Item> items_;           // on their way, in order
  std::uint64_t submitted_end_ = 0;  // records before it are in items that were submitted
  std::uint64_t durable_end_ = 0;    // records before it have all their stamps
};

}  // namespace millrace::detail
