// A publisher's picture of the channel's readers: who must be waited for in its lane. It maps every
// reader's file read-only and treats each word as a claim. Rebuilt when the channel's reader
// generation changes; a reader that died is dropped for good, because incarnations never repeat.
//
// Only the lane's own publisher uses it, on its slow path.
#pragma once

#include "millrace/core/limit.hpp"
#include "reader_files.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::detail {

class ReaderTable {
 public:
  struct Entry {
    ReaderFiles files;
    PeerName peer;  // for error sentences, looked up when the reader was first seen
    bool dead = false;
    // Given up on at this many joins; counted again once it has joined once more.
    bool evicted = false;
    std::uint64_t evicted_joins = 0;
    std::uint64_t evicted_in = 0;  // in which turn of the publisher
  };

  ReaderTable(const ChannelState& channel, std::uint32_t lane, std::uint64_t epoch) noexcept
      : channel_(channel), lane_(lane), epoch_(epoch) {}

  // For LimitKeeper; see limit.hpp.
  [[nodiscard]] std::uint64_t generation() const noexcept {
    // [sync:join] Acquire pairs with the joiner's read-modify-write: its place is seen with it.
    return channel_.doorbell().reader_generation.load(std::memory_order_acquire);
  }

  // Does nothing while the generation stays, unless the last look at the directory failed.
  void refresh() noexcept;

  // The last look at the directory failed; until one succeeds, nobody is overtaken.
  [[nodiscard]] bool uncertain() const noexcept { return uncertain_; }

  Position slowest(Position floor) noexcept;

  // The reader that decided the last slowest(); null if none did.
  [[nodiscard]] Entry* blocker() noexcept {
    return blocker_ < entries_.size() ? &entries_[blocker_] : nullptr;
  }

  // Readers of any kind that have joined or are joining and are not known to be dead.
  [[nodiscard]] std::size_t listening() const noexcept;

  // The first message of this lane that one of them began with; `now` if none has begun.
  [[nodiscard]] Sequence first_heard(Sequence now) const noexcept;

  // Is one among them that may be overtaken?
  [[nodiscard]] bool any_lossy() const noexcept;

  // The NUMA node of the first of them that says it.
  [[nodiscard]] std::optional<std::uint32_t> node_of_first() const noexcept;

  // Where the entry stands in this lane: its position, and 0 if it has not found the lane yet.
  [[nodiscard]] Position position_of(const Entry& entry) const noexcept;

  // The word a publisher sleeps on to see the entry move.
  [[nodiscard]] const layout::Word& moving_word(const Entry& entry) const noexcept;

  void give_up(Entry& entry) const noexcept;

  // The publisher begins to look for room. Nobody is given up on twice in one turn: a reader that
  // says without end that it has joined again could otherwise hold the publisher for ever.
  void begin_turn() noexcept { ++turn_; }

 private:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  // Must this lane wait for it?
  [[nodiscard]] bool counts(const Entry& entry) const noexcept;
  [[nodiscard]] bool placed(const Entry& entry) const noexcept;

  const ChannelState& channel_;
  std::uint32_t lane_;
  std::uint64_t epoch_;
  std::vector<Entry> entries_;
  std::size_t blocker_ = kNobody;
  std::uint64_t turn_ = 0;
  // Generation at the last look that succeeded. None before it: a number that means "never" could
  // be written by a liar, and a new publisher would see nobody.
  std::optional<std::uint64_t> refreshed_at_;
  bool uncertain_ = false;
};

}  // namespace millrace::detail
