// A producer's lane as the search knows it: every message that was ever published, and how far the
// log has promised. The ring holds [floor, published); a power cut takes it away.
#pragma once

#include "sim_random.hpp"

#include <millrace/core/position.hpp>
#include <millrace/core/record_layout.hpp>
#include <millrace/core/unique_number.hpp>
#include <millrace/persist/journal.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace millrace::sim {

// A message is made again from its seed whenever it is needed.
struct MessagePlan {
  std::uint64_t seed = 0;
  std::uint32_t length = 0;
  bool aborted = false;
  std::uint8_t style = 0;  // 0 noise, 1 one byte all through, 2 full of the item magic

  [[nodiscard]] std::uint64_t record_bytes() const noexcept { return layout::record_bytes(length); }

  [[nodiscard]] std::uint16_t key() const noexcept { return static_cast<std::uint16_t>(seed); }
};

class SimLane {
 public:
  SimLane(std::uint32_t number, std::uint64_t item_bytes);

  // One more message in the ring.
  void publish(Random& random);
  // The ring is gone with everything above `end`; another lane file begins there.
  void begin_life(Sequence end);

  // The record of message `sequence` as it lies in the ring. REQUIRES into.size() ==
  // record_bytes().
  void make_record(Sequence sequence, std::span<std::byte> into) const;
  [[nodiscard]] bool same_payload(Sequence sequence, std::span<const std::byte> bytes) const;

  [[nodiscard]] const MessagePlan& plan(Sequence sequence) const { return messages_.at(sequence); }

  struct Gap {
    Sequence from = 0;
    Sequence to = 0;
  };

  Uuid channel{};
  std::string channel_name;
  std::string producer;
  std::uint64_t epoch = 1;
  JournalLaneId id = 0;
  bool attached = false;  // in this life of the persister

  Sequence floor = 0;             // oldest message that the ring still holds
  Sequence durable = 0;           // every message below it was reported durable
  Sequence copied = 0;            // next one for the log
  Sequence published = 0;         // one past the newest
  std::uint64_t part_offset = 0;  // of message `copied`, what parts have taken of it
  std::vector<Gap> gaps;          // never journaled, ascending

 private:
  std::uint64_t item_bytes_;
  std::vector<MessagePlan> messages_;
  mutable std::vector<std::byte> scratch_;
};

}  // namespace millrace::sim
