// Where a subscriber of an ordered channel stands in the one order. Its lanes have cursors as in
// every channel; the order says whose turn it is.
#pragma once

#include "millrace/core/order_ring.hpp"
#include "millrace/core/reader_layout.hpp"

#include <cstdint>

namespace millrace::detail {

struct OrderCursor {
  OrderView order;
  layout::ReaderSlot* slot = nullptr;  // own words, behind those of the lanes
  std::uint64_t lane_blocks = 1;       // blocks of a lane's ring
  Ordinal at = 0;                      // the word that is read, or is to come
  Sequence sequence = 0;               // of the next message
  Sequence first = 0;                  // asked for: messages before it are passed over
  std::uint32_t left = 0;              // messages of word `at` that are still to come
  std::uint32_t lane = 0;              // whose they are
  Position target = 0;                 // where the next of them lies
  std::uint32_t words = 0;             // since the lanes were last looked after

  [[nodiscard]] bool is_free(std::uint64_t word) const noexcept {
    return !order.shape().reached(word, at);
  }

  // One message of the word is done; the next one lies at `next`.
  void took(Position next) noexcept {
    target = next;
    ++sequence;
    if (--left == 0) ++at;
  }

  // What is left of the word is passed over; returns how many messages that is.
  std::uint32_t give_up_word() noexcept {
    const std::uint32_t given_up = left;
    sequence += left;
    left = 0;
    ++at;
    return given_up;
  }
};

}  // namespace millrace::detail
