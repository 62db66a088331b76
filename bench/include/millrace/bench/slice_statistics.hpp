// What can be said from slices. A slice is a few milliseconds of one subject between two slices of
// its baseline, in the same two processes; its statistic is the median of its sub-slices, so that a
// jump of the host inside it does not count.
//
//   placement   where the host put the two processors, found from the bare round trips alone: their
//               logarithms fall into groups with gaps between them. Never averaged over.
//   restart     new processes and new mappings: the unit of replication. One number each: the
//               median of ln(subject / baseline) over its slices.
//   estimate    mean over the restarts, with Student's interval (two-sided, 98 %).
//
// Thread rules: none; values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace::bench {

inline constexpr std::size_t kSubSlices = 16;

// Two bare slices agree if neither is slower than this times the other.
inline constexpr double kAgreement = 1.08;

// Placements are this far apart, or they are one.
inline constexpr double kPlacementGap = 1.3;

// Below these an estimate is shown and not judged.
inline constexpr std::size_t kRestartsMin = 5;
inline constexpr std::size_t kSlicesMin = 20;

// 0 for no values.
[[nodiscard]] double median(std::vector<double> values);

[[nodiscard]] bool agree(double before_ns, double after_ns) noexcept;

// ln subject - (ln before + ln after) / 2. An arithmetic mean of the brackets would lean towards
// their long upper ends, and the ratio would come out low.
[[nodiscard]] double log_ratio(double subject_ns, double before_ns, double after_ns) noexcept;

// The value that a Student variable stays below with probability 99 %. `freedom` is at least 1.
[[nodiscard]] double student_t(std::size_t freedom) noexcept;

// The placements that occurred.
class Placements {
 public:
  // `bare_ns`: bare round trips, each the mean of two that agree. Values that have next to no
  // neighbours are excursions and make no placement of their own.
  [[nodiscard]] static Placements find(std::span<const double> bare_ns);

  [[nodiscard]] std::size_t count() const noexcept { return groups_.size(); }

  // The placement of a bare round trip; none if it lies outside of all of them.
  [[nodiscard]] std::optional<std::size_t> of(double bare_ns) const noexcept;

  // The one that is closest, whatever the distance. REQUIRES count() > 0.
  [[nodiscard]] std::size_t nearest(double bare_ns) const noexcept;

  // Median bare round trip there.
  [[nodiscard]] double bare_ns(std::size_t placement) const noexcept {
    return groups_[placement].median;
  }

  // How many of the values lie there.
  [[nodiscard]] std::size_t slices(std::size_t placement) const noexcept {
    return groups_[placement].slices;
  }

 private:
  struct Group {
    double low = 0;
    double high = 0;
    double median = 0;
    std::size_t slices = 0;
  };

  std::vector<Group> groups_;
};

// A ratio with its interval. Without at least two restarts there is none: low is 0, high infinite.
struct Estimate {
  double ratio = 0;
  double low = 0;
  double high = 0;
  std::size_t slices = 0;
  std::size_t restarts = 0;

  [[nodiscard]] bool judged() const noexcept {
    return restarts >= kRestartsMin && slices >= kSlicesMin;
  }
};

// From one number (a natural logarithm) a restart.
[[nodiscard]] Estimate estimate(std::span<const double> restart_logs, std::size_t slices);

enum class Better : std::uint8_t { lower, higher };

enum class Met : std::uint8_t {
  yes,           // the whole interval is on the good side of the goal
  no,            // the whole interval is on the bad side
  inconclusive,  // the goal lies within, or there are too few restarts or slices
};

[[nodiscard]] const char* to_string(Met met) noexcept;

[[nodiscard]] Met judge(const Estimate& estimate, double goal, Better better) noexcept;

// A null row compares a subject with itself: its interval must contain 1, or lie within `slack` of
// it. Otherwise the harness is wrong, and no other row counts.
[[nodiscard]] Met judge_null(const Estimate& estimate, double slack) noexcept;

}  // namespace millrace::bench
