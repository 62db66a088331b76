#include "core_lane.hpp"

#include "millrace/core/limits.hpp"

namespace millrace::bench {

Result<LaneMaps> LaneMaps::of(const LaneGround& ground, Access access) noexcept {
  LaneMaps maps;
  auto control = Mapping::of(ground.file.get(), 0, kPageBytes, access);
  if (!control) return Failure(control.error());
  auto ring = RingMapping::of(ground.file.get(), kPageBytes, kRingBytes, access);
  if (!ring) return Failure(ring.error());
  if (auto touched = ring->prefault(); !touched) return Failure(touched.error());
  maps.control = std::move(*control);
  maps.ring = std::move(*ring);
  return maps;
}

}  // namespace millrace::bench
