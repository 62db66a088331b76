// What is measured, and the numbers one slice of it leaves behind. The order of the enumerators is
// the order of the rows.
#pragma once

#include "millrace/bench/slice_statistics.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace::bench {

enum class Subject : std::uint8_t {
  bare,       // two words, plain acquire spin: the baseline of round trips
  bare_null,  // the same code, words of its own in a mapping of its own
  round_trip_8,
  round_trip_32,
  round_trip_56,
  core_round_trip,
  boost_round_trip,
  fixed,       // rigtorp's method: the baseline of streams
  fixed_null,  // the same code, a second ring
  stream,
  stream_batch,
  core_stream,
  boost_stream,
  boost_stream_run,
  sequencer,
  count_,
};

inline constexpr std::size_t kSubjects = static_cast<std::size_t>(Subject::count_);

// A defect on purpose, in the subjects of Millrace that publish one message at a time: the
// harness must show it as a worse ratio. The fence [sync:bench-plant] pairs with nothing.
enum class Plant : std::uint8_t { none, fence, line };

struct SubjectInfo {
  Subject subject;
  const char* key;   // in JSON
  const char* name;  // in the table
  bool is_stream;
  double goal;  // 0: none
};

inline constexpr std::array<SubjectInfo, kSubjects> kSubjectInfo = {{
    {Subject::bare, "bare", "bare ping-pong", false, 0},
    {Subject::bare_null, "bare_null", "bare, in a mapping of its own", false, 0},
    {Subject::round_trip_8, "round_trip_8", "millrace, 8 B", false, 1.15},
    {Subject::round_trip_32, "round_trip_32", "millrace, 32 B", false, 1.15},
    {Subject::round_trip_56, "round_trip_56", "millrace, 56 B", false, 1.15},
    {Subject::core_round_trip, "core_round_trip_32", "millrace core lane, 32 B", false, 0},
    {Subject::boost_round_trip, "boost_round_trip_32", "boost.lockfree spsc, 32 B", false, 0},
    {Subject::fixed, "fixed", "fixed slots, cached indices (rigtorp)", true, 0},
    {Subject::fixed_null, "fixed_null", "the same, a second ring", true, 0},
    {Subject::stream, "stream", "millrace, one publish a message", true, 0},
    {Subject::stream_batch, "stream_batch_16", "millrace, batches of 16", true, 0},
    {Subject::core_stream, "core_stream", "millrace core lane, one publish a message", true, 0},
    {Subject::boost_stream, "boost_stream", "boost.lockfree spsc, pop", true, 0},
    {Subject::boost_stream_run, "boost_stream_run", "boost.lockfree spsc, consume_all", true, 0},
    {Subject::sequencer, "sequencer", "fixed slots, released by the run (Disruptor)", true, 0},
}};

[[nodiscard]] constexpr const SubjectInfo& info(Subject subject) noexcept {
  return kSubjectInfo[static_cast<std::size_t>(subject)];
}

inline constexpr std::size_t kStreamBytes = 32;
inline constexpr std::uint64_t kRingBytes = std::uint64_t{256} << 10;
inline constexpr std::uint64_t kRingSlots = kRingBytes / kStreamBytes;
inline constexpr std::uint64_t kLapsMin = 8;  // a stream slice, beside the lap that is discarded
inline constexpr std::uint64_t kBatchCount = 16;

// One timed slice, from the leading process.
struct Timing {
  double median_ns = 0;  // a message or round trip: median of the sub-slices
  double mean_ns = 0;    // over all of them
  std::uint64_t wrong = 0;
};

// What the leader hands over, through a pipe.
struct SliceSample {
  Subject subject = Subject::bare;
  std::uint32_t restart = 0;
  std::uint64_t messages = 0;
  double median_ns = 0;
  double mean_ns = 0;
  double bare_before_ns = 0;  // bare round trips around it
  double bare_after_ns = 0;
  double base_before_ns = 0;  // slices of its baseline around it
  double base_after_ns = 0;
};

}  // namespace millrace::bench
