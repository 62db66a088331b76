// Sees when wall time no longer runs beside the boot clock, so that the log can say so (a clock
// record): it was set, or it drifted that far.
#pragma once

#include "millrace/persist/disk.hpp"
#include "millrace/persist/journal_records.hpp"

#include <cstdint>
#include <cstring>

namespace millrace {

class ClockSteps {
 public:
  static constexpr std::uint64_t kTolerated = 50'000'000;  // ns

  // Wall time as the last record would tell it, against what it is.
  [[nodiscard]] bool stepped(const Disk::Now& now) const noexcept {
    const std::uint64_t expected = now.boot_ns + offset_;
    const std::uint64_t apart =
        now.wall_ns > expected ? now.wall_ns - expected : expected - now.wall_ns;
    return known_ && apart > kTolerated;
  }

  // The record that says how the clocks stand at this moment.
  [[nodiscard]] layout::ClockRecord record(const Disk::Now& now, std::uint32_t boot) noexcept {
    if (stepped(now)) ++steps_;
    known_ = true;
    offset_ = now.wall_ns - now.boot_ns;
    layout::ClockRecord record{};
    std::memcpy(record.boot_id, now.boot_id, sizeof record.boot_id);
    record.boot_ns = now.boot_ns;
    record.wall_ns = now.wall_ns;
    record.boot = boot;
    record.steps = steps_;
    return record;
  }

 private:
  bool known_ = false;
  std::uint32_t steps_ = 0;
  std::uint64_t offset_ = 0;  // wall - boot, modulo 2^64
};

}  // namespace millrace
