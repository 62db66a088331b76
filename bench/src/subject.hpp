// What is measured in slices. The order of the enumerators is the order of the rows.
#pragma once

#include "millrace/bench/slice_statistics.hpp"

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace::bench {

enum class Subject : std::uint8_t {
  bare,  // two words, plain acquire spin: placements are found by it
  bare_pause,
  bare_walk,
  bare_null,
  round_trip_8,
  round_trip_32,
  round_trip_56,
  round_trip_256,
  round_trip_1024,
  round_trip_line,
  core_round_trip,
  boost_round_trip,
  fixed,  // rigtorp's method: between its slices the streams lie
  fixed_null,
  boost_stream,
  boost_stream_run,
  sequencer,
  stream,
  stream_batch,
  stream_quotes,
  core_stream,
  send,
  stream_fence,
  copy_1k,
  copy_1k_null,
  stream_1k,
  copy_64k,
  copy_64k_null,
  stream_64k,
  stream_64k_huge,
  fan_out_1,
  fan_out_1_null,
  fan_out_8,
  fan_out_64,
  lanes_1,
  lanes_1_null,
  lanes_2,
  lanes_16,
  lanes_256,
  futex,
  futex_null,
  wake,
  poisson_plain,
  poisson_null,
  poisson,
  bursts_plain,
  bursts_null,
  bursts,
  count_,
};

inline constexpr std::size_t kSubjects = static_cast<std::size_t>(Subject::count_);

using SubjectSet = std::bitset<kSubjects>;

[[nodiscard]] constexpr std::size_t index(Subject subject) noexcept {
  return static_cast<std::size_t>(subject);
}

// A defect on purpose, in the ends of Millrace: the harness must show it as a worse ratio. The
// fence [sync:bench-plant] pairs with nothing.
enum class Plant : std::uint8_t { none, fence, line };

enum class Kind : std::uint8_t {
  round_trip,  // ns of a round trip
  stream,      // ns a message, where the messages arrive
  publish,     // ns a message, where they are sent
  wake,        // ns from publish to handler
  latency,     // ns from the intended moment to the handler: median, and 99th percentile
};

enum class Role : std::uint8_t {
  row,       // what a user asks for
  baseline,  // its slices lie around those of others
  variant,   // of the baseline: rows are compared with the best of them
  null,      // the baseline's own code in a mapping of its own: must be 1.00
  beside,    // shown, and nobody's baseline
  plant,     // a row of Millrace with a defect: must be worse
};

struct SubjectInfo {
  Subject subject;
  Kind kind;
  Role role;
  Subject bracket;     // whose slices lie around this one's; itself for a baseline
  Subject against;     // compared with; count_: the best of the bracket and its variants
  double goal;         // of the ratio; 0: none
  const char* name;    // of the row
  const char* text;    // in the table
  std::uint32_t size;  // bytes a message
};

inline constexpr std::array<SubjectInfo, kSubjects> kSubjectInfo = {{
    {Subject::bare, Kind::round_trip, Role::baseline, Subject::bare, Subject::bare, 0, "bare",
     "bare ping-pong, plain acquire spin", 8},
    {Subject::bare_pause, Kind::round_trip, Role::variant, Subject::bare, Subject::bare, 0,
     "bare/pause", "bare, pause in the spin", 8},
    {Subject::bare_walk, Kind::round_trip, Role::variant, Subject::bare, Subject::bare, 0,
     "bare/walk", "bare, every trip on a line of its own", 8},
    {Subject::bare_null, Kind::round_trip, Role::null, Subject::bare, Subject::bare, 1, "null/bare",
     "bare, in a mapping of its own", 8},
    {Subject::round_trip_8, Kind::round_trip, Role::row, Subject::bare, Subject::count_, 1.15,
     "round-trip/8", "millrace, 8 B", 8},
    {Subject::round_trip_32, Kind::round_trip, Role::row, Subject::bare, Subject::count_, 1.15,
     "round-trip/32", "millrace, 32 B", 32},
    {Subject::round_trip_56, Kind::round_trip, Role::row, Subject::bare, Subject::count_, 1.15,
     "round-trip/56", "millrace, 56 B", 56},
    {Subject::round_trip_256, Kind::round_trip, Role::row, Subject::bare, Subject::count_, 0,
     "round-trip/256", "millrace, 256 B", 256},
    {Subject::round_trip_1024, Kind::round_trip, Role::row, Subject::bare, Subject::count_, 0,
     "round-trip/1024", "millrace, 1 KiB", 1024},
    {Subject::round_trip_line, Kind::round_trip, Role::plant, Subject::round_trip_32,
     Subject::round_trip_32, 0, "plant/line", "round trip, 32 B, a second shared line per message",
     32},
    {Subject::core_round_trip, Kind::round_trip, Role::beside, Subject::bare, Subject::count_, 0,
     "round-trip/core", "millrace core lane, 32 B", 32},
    {Subject::boost_round_trip, Kind::round_trip, Role::beside, Subject::bare, Subject::count_, 0,
     "round-trip/boost", "boost.lockfree spsc, 32 B", 32},
    {Subject::fixed, Kind::stream, Role::baseline, Subject::fixed, Subject::fixed, 0, "ring/fixed",
     "fixed slots, cached indices (rigtorp)", 32},
    {Subject::fixed_null, Kind::stream, Role::null, Subject::fixed, Subject::fixed, 1, "null/fixed",
     "the same, a second ring", 32},
    {Subject::boost_stream, Kind::stream, Role::variant, Subject::fixed, Subject::fixed, 0,
     "ring/boost", "boost.lockfree spsc, pop", 32},
    {Subject::boost_stream_run, Kind::stream, Role::variant, Subject::fixed, Subject::fixed, 0,
     "ring/boost-run", "boost.lockfree spsc, consume_all", 32},
    {Subject::sequencer, Kind::stream, Role::variant, Subject::fixed, Subject::fixed, 0,
     "ring/sequencer", "fixed slots, released by the run (Disruptor)", 32},
    {Subject::stream, Kind::stream, Role::row, Subject::fixed, Subject::count_, 1.0, "stream/32",
     "millrace, one publish a message", 32},
    {Subject::stream_batch, Kind::stream, Role::row, Subject::fixed, Subject::stream, 2.0,
     "stream/32x16", "millrace, batches of 16, to the lone stream", 32},
    {Subject::stream_quotes, Kind::stream, Role::row, Subject::fixed, Subject::count_, 1.0,
     "stream/quotes", "millrace, 19-25 B, the lengths of quotes", 25},
    {Subject::core_stream, Kind::stream, Role::beside, Subject::fixed, Subject::count_, 0,
     "stream/core", "millrace core lane, one publish a message", 32},
    {Subject::send, Kind::stream, Role::row, Subject::stream, Subject::stream, 0, "send/32",
     "millrace, send instead of claim and publish", 32},
    {Subject::stream_fence, Kind::stream, Role::plant, Subject::stream, Subject::stream, 0,
     "plant/fence", "stream, 32 B, a fence per publish", 32},
    {Subject::copy_1k, Kind::stream, Role::baseline, Subject::copy_1k, Subject::copy_1k, 0,
     "copy/1024", "bare copy, 1 KiB, one flag a message", 1024},
    {Subject::copy_1k_null, Kind::stream, Role::null, Subject::copy_1k, Subject::copy_1k, 1,
     "null/copy-1024", "the same, a second ring", 1024},
    {Subject::stream_1k, Kind::stream, Role::row, Subject::copy_1k, Subject::copy_1k, 0.9,
     "stream/1024", "millrace, 1 KiB", 1024},
    {Subject::copy_64k, Kind::stream, Role::baseline, Subject::copy_64k, Subject::copy_64k, 0,
     "copy/65536", "bare copy, 64 KiB, one flag a message", 65536},
    {Subject::copy_64k_null, Kind::stream, Role::null, Subject::copy_64k, Subject::copy_64k, 1,
     "null/copy-65536", "the same, a second ring", 65536},
    {Subject::stream_64k, Kind::stream, Role::row, Subject::copy_64k, Subject::copy_64k, 0.9,
     "stream/65536", "millrace, 64 KiB", 65536},
    {Subject::stream_64k_huge, Kind::stream, Role::row, Subject::copy_64k, Subject::copy_64k, 0,
     "stream/65536-huge", "millrace, 64 KiB, ring on huge pages", 65536},
    {Subject::fan_out_1, Kind::publish, Role::baseline, Subject::fan_out_1, Subject::fan_out_1, 0,
     "fan-out/1", "millrace, 1 reader, cost of a publish", 32},
    {Subject::fan_out_1_null, Kind::publish, Role::null, Subject::fan_out_1, Subject::fan_out_1, 1,
     "null/fan-out", "the same, a second channel", 32},
    {Subject::fan_out_8, Kind::publish, Role::row, Subject::fan_out_1, Subject::fan_out_1, 1.1,
     "fan-out/8", "millrace, 8 readers", 32},
    {Subject::fan_out_64, Kind::publish, Role::row, Subject::fan_out_1, Subject::fan_out_1, 1.1,
     "fan-out/64", "millrace, 64 readers", 32},
    {Subject::lanes_1, Kind::stream, Role::baseline, Subject::lanes_1, Subject::lanes_1, 0,
     "lanes/1", "millrace, the only lane", 32},
    {Subject::lanes_1_null, Kind::stream, Role::null, Subject::lanes_1, Subject::lanes_1, 1,
     "null/lanes", "the same, a second channel", 32},
    {Subject::lanes_2, Kind::stream, Role::row, Subject::lanes_1, Subject::lanes_1, 0, "lanes/2",
     "millrace, 1 busy lane of 2", 32},
    {Subject::lanes_16, Kind::stream, Role::row, Subject::lanes_1, Subject::lanes_1, 0, "lanes/16",
     "millrace, 1 busy lane of 16", 32},
    {Subject::lanes_256, Kind::stream, Role::row, Subject::lanes_1, Subject::lanes_1, 0,
     "lanes/256", "millrace, 1 busy lane of 256", 32},
    {Subject::futex, Kind::wake, Role::baseline, Subject::futex, Subject::futex, 0, "futex",
     "bare futex wake", 8},
    {Subject::futex_null, Kind::wake, Role::null, Subject::futex, Subject::futex, 1, "null/futex",
     "the same, a second word", 8},
    {Subject::wake, Kind::wake, Role::row, Subject::futex, Subject::futex, 1.2, "wake",
     "millrace, parked reader: publish to handler", 32},
    {Subject::poisson_plain, Kind::latency, Role::baseline, Subject::poisson_plain,
     Subject::poisson_plain, 0, "latency/poisson-plain",
     "Poisson at half the peak rate, reader that never steps back", 32},
    {Subject::poisson_null, Kind::latency, Role::null, Subject::poisson_plain,
     Subject::poisson_plain, 1, "null/poisson", "the same, a second lane", 32},
    {Subject::poisson, Kind::latency, Role::row, Subject::poisson_plain, Subject::poisson_plain,
     1.05, "latency/poisson", "reader that steps back", 32},
    {Subject::bursts_plain, Kind::latency, Role::baseline, Subject::bursts_plain,
     Subject::bursts_plain, 0, "latency/bursts-plain",
     "bursts of 16 at half the peak rate, reader that never steps back", 32},
    {Subject::bursts_null, Kind::latency, Role::null, Subject::bursts_plain, Subject::bursts_plain,
     1, "null/bursts", "the same, a second lane", 32},
    {Subject::bursts, Kind::latency, Role::row, Subject::bursts_plain, Subject::bursts_plain, 1.05,
     "latency/bursts", "reader that steps back", 32},
}};

[[nodiscard]] constexpr const SubjectInfo& info(Subject subject) noexcept {
  return kSubjectInfo[index(subject)];
}

// Kind::publish: how many readers there are.
[[nodiscard]] constexpr std::size_t readers_of(Subject subject) noexcept {
  if (subject == Subject::fan_out_64) return 64;
  return subject == Subject::fan_out_8 ? 8 : 1;
}

// The row that a latency subject has beside its median: the 99th percentile, and its goal.
inline constexpr std::string_view kTailSuffix = "/p99";
inline constexpr double kTailGoal = 1.10;

// Streams are better the more messages pass, everything else the less time it takes.
[[nodiscard]] constexpr Better better_of(const SubjectInfo& subject) noexcept {
  return subject.kind == Kind::stream ? Better::higher : Better::lower;
}

inline constexpr std::size_t kStreamBytes = 32;
inline constexpr std::uint64_t kRingBytes = std::uint64_t{256} << 10;
inline constexpr std::uint64_t kRingSlots = kRingBytes / kStreamBytes;
inline constexpr std::uint64_t kLapsMin = 8;  // a stream slice, beside the lap that is discarded
inline constexpr std::uint64_t kBatchCount = 16;
inline constexpr std::uint64_t kKilo = 1024;
inline constexpr std::uint64_t kKiloRingBytes = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kLarge = 65536;
inline constexpr std::uint64_t kLargeRingBytes = std::uint64_t{4} << 20;

// Messages that fill the ring once.
[[nodiscard]] constexpr std::uint64_t lap_of(const SubjectInfo& subject) noexcept {
  switch (subject.size) {
    case kKilo: return kKiloRingBytes / kKilo;
    case kLarge: return kLargeRingBytes / kLarge;
    default: return kRingSlots;
  }
}

// One timed slice, from the leading process.
struct Timing {
  double median_ns = 0;  // a message or round trip: median of the sub-slices
  double mean_ns = 0;    // of the whole slice, by messages
  double tail_ns = 0;    // Kind::latency: 99th percentile
  std::uint64_t wrong = 0;
};

// What the leader hands over, through a pipe.
struct SliceSample {
  Subject subject = Subject::bare;
  std::uint32_t restart = 0;
  std::uint64_t messages = 0;
  Timing timing;
  Timing base_before;  // slices of its baseline around it
  Timing base_after;
  double bare_before_ns = 0;  // bare round trips around it
  double bare_after_ns = 0;
};

}  // namespace millrace::bench
