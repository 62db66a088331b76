// The files of one lane: CH/lane-N with its control page and ring, and CH/lane-N.own, whose lock
// says who may publish.
#pragma once

#include "channel_state.hpp"
#include "millrace/core/lane_view.hpp"
#include "millrace/core/lifetime_lock.hpp"
#include "millrace/core/mapping.hpp"
#include "watched.hpp"

#include <optional>
#include <string>

namespace millrace::detail {

[[nodiscard]] std::string lane_name(std::uint32_t lane);
[[nodiscard]] std::string lane_lock_name(std::uint32_t lane);

// The number in "lane-N"; nothing for any other name.
[[nodiscard]] std::optional<std::uint32_t> parse_lane_name(std::string_view name) noexcept;

// A lane, mapped.
struct LaneFiles {
  [[nodiscard]] layout::LaneControl& control() const noexcept {
    return *reinterpret_cast<layout::LaneControl*>(control_page.data());
  }

  // Non-zero: the owner has cut its file short under us.
  [[nodiscard]] const std::atomic<std::uint32_t>* poisoned() const noexcept {
    return ring_watch.poisoned();
  }

  // Either part of it.
  [[nodiscard]] bool cut_off() const noexcept {
    return ring_watch.poisoned()->load(std::memory_order_relaxed) != 0 ||
           control_watch.poisoned()->load(std::memory_order_relaxed) != 0;
  }

  std::uint32_t lane = 0;
  std::uint64_t epoch = 0;  // private copy: the file may change, its identity may not
  std::string producer;     // private copy
  Sequence first = 0;       // private copy: number of the message at position 0
  std::uint64_t file_bytes = 0;
  Mapping control_page;
  RingMapping ring;
  LaneView view;
  Watched control_watch;
  Watched ring_watch;
};

// Maps an existing lane. Errors: not_found, format, no_permission, poisoned.
[[nodiscard]] Result<LaneFiles> open_lane(const ChannelState& channel, std::uint32_t lane,
                                          Access access);

struct LaneOrder {
  std::string producer;
  ParticipantName owner;
  Sequence first = 0;  // number of its first message
  // Made by the journal's process for a publisher that is yet to come: it begins as one whose last
  // owner has left, and belongs to the channel's creator.
  bool waiting = false;
  bool fencing = false;
  Ordinal ordinal = 0;  // of an ordered channel: its messages are published at this one or later
};

// Makes lane N. REQUIRES: the caller holds lane-N.own, and there is no lane-N.
[[nodiscard]] Result<LaneFiles> create_lane(const ChannelState& channel, std::uint32_t lane,
                                            const LaneOrder& order);

// The journal's process may run as root; publishers must get at what it makes for them.
void give_to_creator(const ChannelState& channel, int fd) noexcept;

// Takes lane N away for good. REQUIRES: the caller holds lane-N.own.
void remove_lane(const ChannelState& channel, const LaneFiles& lane) noexcept;

// Every N for which a lane-N exists, ascending.
[[nodiscard]] std::vector<std::uint32_t> lane_numbers(const ChannelState& channel);

}  // namespace millrace::detail
