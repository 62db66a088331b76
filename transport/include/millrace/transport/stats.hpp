// What can be seen of a channel from outside, at any time, without anybody's help: every number is
// read from the files of its lanes and readers. Figures of one snapshot are taken one after the
// other, so a lag may be off by what moved meanwhile.
#pragma once

#include "millrace/core/placement.hpp"
#include "millrace/core/position.hpp"
#include "millrace/transport/options.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

// Who did it: enough to find the process.
struct PeerName {
  std::uint32_t id = 0;
  std::uint64_t incarnation = 0;
  std::uint32_t number = 0;  // which subscriber of that participant
  std::uint32_t pid = 0;     // 0: not known
  std::string name;
  bool alive = false;
};

// Where one reader stands in one lane.
struct ReaderPlace {
  PeerName reader;
  bool lossy = false;
  bool placed = false;  // false: it has not found this lane yet
  bool left = false;
  bool evicted = false;
  Position position = 0;
  Sequence sequence = 0;
  std::uint64_t lag_messages = 0;
  std::uint64_t lag_bytes = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t skipped = 0;
  std::uint64_t unknown = 0;
};

// What one may hope for of a durable channel's journal.
enum class JournalHealth : std::uint8_t {
  ok,        // it works, or has only just stopped to
  stopped,   // its process lives, and has not made a round for 3 s
  full,      // the disk has no room; goes on by itself when there is some
  down,      // nobody holds it; the next one continues
  poisoned,  // a write or flush failed: what is not yet durable has an unknown outcome
  detached,  // taken away by an administrator: nothing becomes durable
  absent,    // none has come since the channel was made
};

[[nodiscard]] const char* to_string(JournalHealth health) noexcept;

// How far it is in one lane.
struct LaneJournalStats {
  bool found = false;              // it has come to this lane
  bool refused = false;            // the lane contradicts the log, and is not journaled
  Checkpoint durable;              // every message before it is
  std::uint64_t lag_messages = 0;  // published and not yet durable
  std::uint64_t lag_bytes = 0;
  std::uint64_t gaps = 0;         // messages that the log will never hold
  std::uint64_t unjournaled = 0;  // messages that the publisher overwrote before they were durable
};

struct ChannelJournalStats {
  JournalHealth health = JournalHealth::absent;
  PeerName persister;
  std::uint64_t epoch = 0;     // of the log: raised by every opening
  std::uint32_t attaches = 0;  // persisters so far
  std::uint32_t detaches = 0;
  std::uint64_t beat_age_ns = 0;  // since its last round
  std::uint64_t bytes = 0;        // written to the log, for this channel and others
  int error = 0;                  // errno behind full and poisoned
};

enum class LaneLife : std::uint8_t { live, left, died, retired };

[[nodiscard]] const char* to_string(LaneLife life) noexcept;

struct LaneStats {
  std::uint32_t lane = 0;
  std::uint64_t epoch = 0;  // of its file, never repeated: tells it from another of this number
  std::string producer;     // its name, if it has one
  PeerName publisher;
  LaneLife life = LaneLife::live;
  std::uint64_t lives = 0;  // how many publishers continued it, from 1
  Position position = 0;    // end of what is published
  Sequence first = 0;       // number of its first message
  Sequence sequence = 0;    // number of the next one
  Position limit = 0;
  Checkpoint oldest;  // where `oldest` would begin
  bool fencing = false;
  bool poisoned = false;  // its bytes make no sense

  // Counters since the lane was made.
  std::uint64_t refused = 0;    // claims refused because the ring was full
  std::uint64_t aborted = 0;    // claims given up
  std::uint64_t unheard = 0;    // messages published with no reader
  std::uint64_t evictions = 0;  // readers given up
  std::uint64_t blocks = 0;     // times it waited for a reader
  std::uint64_t blocked_ns = 0;
  std::uint64_t wakes = 0;
  std::uint64_t probe_errors = 0;

  // Whom it is waiting for at this moment; incarnation 0: nobody.
  PeerName blocked_on;
  std::uint64_t blocked_for_ns = 0;

  Placement placement_asked;
  static constexpr std::uint32_t kNodeUnknown = 0xffff'ffff;
  std::uint32_t placement_node = kNodeUnknown;  // node that it came to
  std::uint32_t placement_honoured = 2;         // 1 yes, 0 no, 2 cannot tell
  Pages pages = Pages::normal;
  std::uint64_t file_bytes = 0;  // of shared memory

  LaneJournalStats journal;  // of a durable channel
  std::vector<ReaderPlace> readers;
};

// One subscriber, all lanes together.
struct ReaderStats {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t skipped = 0;
  std::uint64_t unknown = 0;
  std::uint64_t overruns = 0;
  std::uint64_t evictions = 0;
  std::uint64_t parks = 0;
  std::uint64_t caught_up = 0;  // times it was lapped and went on in the journal, without a loss
  std::uint64_t rewinds = 0;    // lanes whose log ended before what it had acknowledged
};

// Of a channel with Order::total: how far its order is, or somebody in it.
struct OrderStats {
  std::uint64_t publishes = 0;  // a batch is one
  Sequence messages = 0;
};

struct ReaderFileStats {
  PeerName reader;
  OrderStats order;  // up to where it has read, as of its last look that found nothing
  bool lossy = false;
  bool joining = false;
  ReaderStats counts;
};

struct ChannelStats {
  std::string name;
  ChannelOptions options;
  std::string schema;
  OrderStats order;
  std::vector<LaneStats> lanes;
  std::vector<ReaderFileStats> readers;
  ChannelJournalStats journal;     // of a durable channel
  std::uint64_t recorders = 0;     // flight recorders, also of those who have gone (trace.hpp)
  std::uint64_t shared_bytes = 0;  // of all files of the channel
};

}  // namespace millrace
