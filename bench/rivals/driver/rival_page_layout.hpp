// The page that the conductor and every driver share, in C++, Rust and Java: orders, results, and
// the two bare words. One page for all pairs, because only one pair is awake at a time: so a null
// rival moves the very same lines as the bare slices around it.
//
// The baton is a byte on the driver's standard input: a pair that has none sleeps in read(2) and
// costs nothing. A driver answers with a byte on descriptor 3. Pipes order all words but the gates,
// the bare words, `drained` and those of a kill, which two drivers touch at once.
//
//   offset  bytes  field
//        0      8  magic
//       64      4  kind          what to do, OrderKind
//       68      4  receivers     fan-out: how many of them the leader holds
//       72      8  part          messages in one of the 17 parts of a slice
//       80      8  number        of this order, dense
//       88      8  pause_ns      wake: the sender sleeps so long before each message
//      128      8  leader_gate   the number of the order that this side is ready for
//      256      8  follower_gate
//      384      4  leader_tid    the thread to pin, 0 if none
//      388      4  follower_tid
//      512      8  wrong         messages that were not the expected ones
//      520      8  mean_ns       a message or round trip, all timed parts together
//      528    128  part_ns       a message or round trip, for each timed part
//      656      8  publish_ns    fan-out: one publish, median of the bursts
//     1024      8  there         bare: two words, 256 bytes apart
//     1280      8  back
//     1536      8  drained       fan-out: bursts that all receivers have
//     1792      4  wake          bare: a futex word
//     2048      8  stop          kill: all end
//     2056      8  killed_at_ns  kill: CLOCK_MONOTONIC just before the signal, 0 before
//     2304      8  received      kill: by the surviving consumer
//     2312      8  last_ns       when it received the last one that counts
//     2320      8  gap_ns        the longest time between two of them since the kill
//     2328      8  quiet_gap_ns  the longest before the kill, in the same run
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace::rivals {

inline constexpr std::uint64_t kPageMagic = 0x31304c4156495221;  // "!RIVAL01"
inline constexpr std::size_t kParts = 16;                        // timed; one more goes before
inline constexpr std::size_t kBurst = 64;                        // messages of a fan-out burst

enum class OrderKind : std::uint32_t {
  round_trip = 1,  // the leader sends, the follower sends back
  stream = 2,      // the follower sends, the leader receives and times
  fan_out = 3,     // the follower publishes in bursts, the leader holds all receivers
  wake = 4,        // the follower sends to a leader that sleeps
  publish = 5,     // kill: without end, until `stop`
  consume = 6,
};

struct alignas(4096) RivalPage {
  std::uint64_t magic;
  std::byte reserved_8[56];
  std::uint32_t kind;
  std::uint32_t receivers;
  std::uint64_t part;
  std::uint64_t number;
  std::uint64_t pause_ns;
  std::byte reserved_96[32];
  std::atomic<std::uint64_t> leader_gate;
  std::byte reserved_136[120];
  std::atomic<std::uint64_t> follower_gate;
  std::byte reserved_264[120];
  std::uint32_t leader_tid;
  std::uint32_t follower_tid;
  std::byte reserved_392[120];
  std::uint64_t wrong;
  double mean_ns;
  double part_ns[kParts];
  double publish_ns;
  std::byte reserved_664[360];
  std::atomic<std::uint64_t> there;
  std::byte reserved_1032[248];
  std::atomic<std::uint64_t> back;
  std::byte reserved_1288[248];
  std::atomic<std::uint64_t> drained;
  std::byte reserved_1544[248];
  std::atomic<std::uint32_t> wake;
  std::byte reserved_1796[252];
  std::atomic<std::uint64_t> stop;
  std::atomic<std::uint64_t> killed_at_ns;
  std::byte reserved_2064[240];
  std::atomic<std::uint64_t> received;
  std::atomic<std::uint64_t> last_ns;
  std::atomic<std::uint64_t> gap_ns;
  std::atomic<std::uint64_t> quiet_gap_ns;
};

static_assert(offsetof(RivalPage, magic) == 0);
static_assert(offsetof(RivalPage, kind) == 64);
static_assert(offsetof(RivalPage, receivers) == 68);
static_assert(offsetof(RivalPage, part) == 72);
static_assert(offsetof(RivalPage, number) == 80);
static_assert(offsetof(RivalPage, pause_ns) == 88);
static_assert(offsetof(RivalPage, leader_gate) == 128);
static_assert(offsetof(RivalPage, follower_gate) == 256);
static_assert(offsetof(RivalPage, leader_tid) == 384);
static_assert(offsetof(RivalPage, follower_tid) == 388);
static_assert(offsetof(RivalPage, wrong) == 512);
static_assert(offsetof(RivalPage, mean_ns) == 520);
static_assert(offsetof(RivalPage, part_ns) == 528);
static_assert(offsetof(RivalPage, publish_ns) == 656);
static_assert(offsetof(RivalPage, there) == 1024);
static_assert(offsetof(RivalPage, back) == 1280);
static_assert(offsetof(RivalPage, drained) == 1536);
static_assert(offsetof(RivalPage, wake) == 1792);
static_assert(offsetof(RivalPage, stop) == 2048);
static_assert(offsetof(RivalPage, killed_at_ns) == 2056);
static_assert(offsetof(RivalPage, received) == 2304);
static_assert(offsetof(RivalPage, last_ns) == 2312);
static_assert(offsetof(RivalPage, gap_ns) == 2320);
static_assert(offsetof(RivalPage, quiet_gap_ns) == 2328);
static_assert(sizeof(RivalPage) == 4096);

}  // namespace millrace::rivals
