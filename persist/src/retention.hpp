// Which segments the log no longer needs. They go from the oldest on, never the newest, and only
// together with a manifest that says so.
#pragma once

#include "catalog.hpp"
#include "recovered_log.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace millrace {

struct RetentionPlan {
  std::size_t segments = 0;         // from the oldest on
  std::vector<std::string> let_go;  // subscribers that held one of them for too long
};

class RetentionRule {
 public:
  static constexpr std::uint64_t kSegmentsLeast = 3;

  // `asked.bytes` is not 0.
  RetentionRule(const Retention& asked, std::uint64_t segment_bytes) noexcept
      : asked_(asked), segment_bytes_(segment_bytes) {}

  // By what is acknowledged in this catalog. The last of `segments` is being written.
  [[nodiscard]] RetentionPlan plan(std::span<const SegmentInfo> segments, const Catalog& catalog,
                                   const Disk::Now& now, std::uint32_t boot) const;

 private:
  [[nodiscard]] bool too_many(std::size_t segments) const noexcept {
    return segments * segment_bytes_ > asked_.bytes;
  }

  [[nodiscard]] bool too_old(std::uint64_t age_ns) const noexcept {
    return asked_.age.count() > 0 && age_ns > static_cast<std::uint64_t>(asked_.age.count());
  }

  [[nodiscard]] bool patient(std::size_t segments) const noexcept {
    return segments * segment_bytes_ <= std::max(asked_.bytes, asked_.acknowledged_lag_bytes);
  }

  Retention asked_;
  std::uint64_t segment_bytes_;
};

// Since the newest item of segments[index] was made. Within this boot by the clock that nobody can
// set; before it by that boot's last idea of wall time, so that a clock that was wrong for a while
// does not keep or drop anything.
[[nodiscard]] std::uint64_t age_of(std::span<const SegmentInfo> segments, std::size_t index,
                                   const Disk::Now& now, std::uint32_t boot) noexcept;

// What a retention of 0 bytes means where so many are free.
[[nodiscard]] std::uint64_t default_retention(std::uint64_t free_bytes,
                                              std::uint64_t segment_bytes) noexcept;

}  // namespace millrace
