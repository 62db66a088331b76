// What the flight recorders of a channel hold: when stamped messages were where. Read from files,
// at any time, without anybody's help, of living processes and of those that were killed.
//
//   auto trace = channel.trace();
//   for (const MessageTrace& message : join(*trace)) …
//
// A recorder is its owner's claim. It is copied and checked; a false one can only tell lies about
// stamps under its own name.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/core/stamp_ring.hpp"
#include "millrace/transport/stats.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

// In the order in which a message passes them; the journal's run beside the subscribers'.
enum class Stage : std::uint8_t {
  intended,   // it was meant to be sent (Publisher::intended)
  claim,      // the publisher asked for room
  claimed,    // and had it
  published,  // just before the store that makes it visible
  visible,    // a subscriber saw it
  dequeued,   // and handed it to its caller
  processed,  // who was done with it: the handler returned, or polled again
  released,   // and the publisher was told that its room is free
  appended,   // the journal had it in the item that it was building
  submitted,  // the item was on its way to the disk
  written,    // the disk said that the item is written
  durable,    // and everything before it as well: publisher and subscribers were told
};

inline constexpr std::size_t kStages = 12;

[[nodiscard]] const char* to_string(Stage stage) noexcept;

using layout::StampRole;

[[nodiscard]] const char* to_string(StampRole role) noexcept;

// The stage that stamp `which` (0 to 3) of a record means.
[[nodiscard]] constexpr Stage stage_of(StampRole role, std::size_t which) noexcept {
  return static_cast<Stage>((static_cast<std::size_t>(role) - 1) * layout::kStampsPerRecord +
                            which);
}

// One flight recorder, and what is in it: oldest record first.
struct RecorderTrace {
  PeerName owner;
  StampRole role = StampRole::publisher;
  std::uint32_t every = 1;  // one message in so many is stamped
  std::uint32_t kept = 0;   // records it has room for
  bool left = false;        // its owner has left in good order
  std::uint64_t torn = 0;   // records that were being written, or never finished
  std::uint64_t wrong = 0;  // slots that hold what no recorder writes
  std::vector<StampRecord> records;
};

struct ChannelTrace {
  std::string channel;
  ClockSource clock = ClockSource::monotonic;  // what a tick is
  std::vector<RecorderTrace> recorders;

  // Recorders that could not be read, a sentence each.
  std::vector<std::string> refused;
};

// One passage of a message through one pair of hands.
struct Passage {
  std::size_t recorder = 0;                                      // index in ChannelTrace::recorders
  std::array<std::uint64_t, layout::kStampsPerRecord> stamps{};  // ticks; 0: not reached
};

// One message, from all recorders.
struct MessageTrace {
  std::uint32_t lane = 0;
  std::uint64_t epoch = 0;  // which lane of that number
  Sequence sequence = 0;
  std::uint32_t length = 0;
  std::vector<Passage> passages;  // publishers first, then subscribers, then journals

  // Ticks of the first and the last stamp; 0 if there is none.
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// Puts together what belongs to one message: lane, epoch and sequence. Ordered by `first`.
[[nodiscard]] std::vector<MessageTrace> join(const ChannelTrace& trace);

}  // namespace millrace
