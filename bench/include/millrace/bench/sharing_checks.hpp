// The model `sharing`, N = P x M: what M parties share of N messages.
//
//   sharing.count     instrument: what the parties were given adds up to what was published
//   sharing.balance   model: the share of each is what its keys, or its own speed, predict
//   sharing.rate      model: M parties do M times what one does, less what two already lost
//
// N / M is no prediction of a share: it holds by arithmetic for the mean. Jain's index is printed
// and gives no verdict: at 0.95 it passes one of eight readers at half speed.
//
// Source: anchors, "profiler", section 3. Thread rules: none; pure functions over values.
#pragma once

#include "millrace/bench/verdict.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::bench {

enum class Sharing : std::uint8_t {
  divided,    // each message goes to one party: queues, partitions, lanes
  broadcast,  // each message goes to every party
};

// One party, by its own counters in its own file.
struct Party {
  std::uint64_t delivered = 0;  // calls of its handler
  std::uint64_t distinct = 0;   // different sequences among them
  std::uint64_t sum = 0;        // order-independent checksum of the payloads
  std::uint64_t missed = 0;     // broadcast: evicted or overrun, as the transport counted it
};

// One restart.
struct SharingCountEvidence {
  Sharing sharing = Sharing::divided;
  std::uint64_t published = 0;  // N, recomputed from the load seed
  std::uint64_t sum = 0;        // checksum of all, from the seed
  std::uint64_t missed = 0;     // divided: aborted or evicted, counted by the transport
  std::vector<Party> parties;
};

// `control`: the same of one party alone.
[[nodiscard]] CheckResult check_sharing_count(const Circumstances& circumstances,
                                              const std::vector<SharingCountEvidence>& restarts,
                                              const std::vector<SharingCountEvidence>& control);

// One restart.
struct BalanceEvidence {
  std::vector<double> counts;  // messages of each party, by its own counter
  // What each should have, as a weight. By keys: the number of messages of the keys that route to
  // it, from the seed; then the counts are exact. Competing: its own rate in a drain of its own.
  std::vector<double> weights;
  bool by_key = false;
  bool saturated = true;  // competing: the queue was never empty; else INVALID
  std::size_t slices = 0;
};

inline constexpr double kBalanceLimit = 0.05;

[[nodiscard]] CheckResult check_sharing_balance(const Circumstances& circumstances,
                                                const std::vector<BalanceEvidence>& restarts,
                                                const std::vector<BalanceEvidence>& control);

// (sum x)^2 / (M sum x^2): 1 if all are equal. Shown only.
[[nodiscard]] double jain_index(std::span<const double> counts) noexcept;

// One restart; messages a second.
struct SharingRateEvidence {
  double solo = 0;          // of one party
  double two = 0;           // of two together: what sharing itself costs
  double all = 0;           // of `parties` together
  std::size_t parties = 0;  // at least 3
  std::size_t producers = 0;
  std::size_t cores = 0;  // of the machine; fewer than parties + producers: INVALID
  std::size_t slices = 0;
};

[[nodiscard]] CheckResult check_sharing_rate(const Circumstances& circumstances,
                                             const std::vector<SharingRateEvidence>& restarts,
                                             const std::vector<SharingRateEvidence>& control);

}  // namespace millrace::bench
