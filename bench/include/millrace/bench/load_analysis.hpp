// What restarts of one load say, before anybody judges it: where the processors were, where the
// time of a message went, which messages were slowest and why, and what a quiet core would have
// shown.
//
// Thread rules: none; pure functions over evidence.
#pragma once

#include "millrace/bench/load_evidence.hpp"
#include "millrace/bench/replay.hpp"
#include "millrace/bench/slice_statistics.hpp"
#include "millrace/core/histogram.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace::bench {

// From the bare slices of all restarts.
[[nodiscard]] Placements placements_of(std::span<const LoadEvidence> restarts);

// The placement of a slice whose two bare slices agree; none if they do not, or it has none.
[[nodiscard]] std::optional<std::size_t> placement_of(const Placements& placements,
                                                      const LoadSlice& slice);

// "120 ns": by its bare round trip.
[[nodiscard]] std::string placement_name(const Placements& placements, std::size_t placement);

// Of the calibration slices: how long a message takes from a drained ring, each one without a gap,
// in ns (at most 5,000, spread over all restarts).
[[nodiscard]] std::vector<double> drained_service(std::span<const LoadEvidence> restarts);

// From the publish until the handler of an idle reader returned, less its service: median over
// idle messages without a gap, in one placement (or over all); 0 if there are none.
[[nodiscard]] double idle_hand_over(std::span<const LoadEvidence> restarts,
                                    const Placements& placements,
                                    std::optional<std::size_t> placement, double service_ns);

// Parts of one message's latency, in ns; they add up to `total`.
//   slip      intended -> the publisher turned to it
//   enqueue   -> its release store was done
//   wait      -> the reader was done with the message before (0: it was idle)
//   transfer  -> seen by the reader
//   handling  -> its handler returned
struct MessageTimes {
  double slip = 0, enqueue = 0, wait = 0, transfer = 0, handling = 0;
  double total = 0;
};

inline constexpr std::size_t kParts = 5;
inline constexpr std::array<const char*, kParts> kPartNames = {"slip", "enqueue", "wait",
                                                               "transfer", "handling"};

// Of message `number`, which was seen. REQUIRES it is of a load slice.
[[nodiscard]] MessageTimes times_of(const LoadEvidence& evidence, const LoadSlice& slice,
                                    std::uint64_t number) noexcept;

// One of the slowest, from the moment it was intended.
struct SlowMessage {
  std::uint32_t restart = 0;
  std::uint64_t number = 0;
  double at_ns = 0;  // intended, since the restart began
  MessageTimes times;
  std::string cause;  // a sentence
};

// What a whole load looked like. Histograms are in ns.
struct LoadPicture {
  using Bytes = std::unique_ptr<layout::HistogramBytes>;

  std::uint64_t messages = 0;
  Bytes from_intended, from_publish;
  std::array<Bytes, kParts> parts;
  Bytes quiet;    // from the intended moment, replayed without gaps and without slip
  Bytes durable;  // published -> durable; empty without a journal
  std::vector<SlowMessage> slowest;

  // Windows of time (all restarts after each other), and how many messages of each window had a
  // latency of 2^n to 2^(n+1) ns.
  static constexpr std::size_t kBuckets = 36;
  double window_ns = 0;
  std::vector<std::array<std::uint32_t, kBuckets>> heat;
};

inline constexpr std::size_t kSlowest = 5;

// `service_ns`, `hand_over_ns`: of the calibration; for the quiet core. `handling`: of the handler.
[[nodiscard]] LoadPicture picture_of(std::span<const LoadEvidence> restarts, double service_ns,
                                     double hand_over_ns, Handling handling);

// One slice on the timeline of noise.
struct NoisePoint {
  double at_ns = 0;  // since the first restart began, load time only
  double length_ns = 0;
  double bare_ns = 0;
  double gap_share = 0;  // of the subscriber's time
  double gap_max_ns = 0;
  double stolen_share = 0;  // by /proc/stat
  bool own_doing = false;   // the subscriber faulted or slept
};

[[nodiscard]] std::vector<NoisePoint> noise_of(std::span<const LoadEvidence> restarts);

// Gaps of a process within [begin, end), clipped to it.
struct GapSum {
  double count = 0;
  double total_ns = 0;
  double max_ns = 0;
};

[[nodiscard]] GapSum gaps_within(std::span<const Gap> gaps, std::uint64_t begin_ns,
                                 std::uint64_t end_ns) noexcept;

}  // namespace millrace::bench
