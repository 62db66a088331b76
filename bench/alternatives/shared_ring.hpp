// Memory that the processes of a contest share: control words, then a ring that is mapped twice
// back to back. Made once; each process maps it for itself, because rings are hidden from forks.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/limits.hpp"
#include "millrace/core/mapping.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace millrace::alternatives {

// One process's view of it.
struct RingMaps {
  Mapping control;
  RingMapping ring;
};

class SharedRing {
 public:
  // `control_bytes` and `ring_bytes` are multiples of the page size. All bytes are zero.
  [[nodiscard]] static Result<SharedRing> make(std::uint64_t control_bytes,
                                               std::uint64_t ring_bytes) noexcept {
    SharedRing made;
    made.file_ = Descriptor(memfd_create("millrace-alternative", MFD_CLOEXEC));
    made.control_bytes_ = control_bytes;
    made.ring_bytes_ = ring_bytes;
    const auto bytes = static_cast<off_t>(control_bytes + ring_bytes);
    if (!made.file_.valid() || ftruncate(made.file_.get(), bytes) != 0) {
      return fail_os(errno, "cannot share %zu bytes of memory", static_cast<std::size_t>(bytes));
    }
    return made;
  }

  [[nodiscard]] Result<RingMaps> map() const noexcept {
    RingMaps maps;
    auto control = Mapping::of(file_.get(), 0, control_bytes_, Access::write);
    if (!control) return Failure(control.error());
    auto ring = RingMapping::of(file_.get(), control_bytes_, ring_bytes_, Access::write);
    if (!ring) return Failure(ring.error());
    if (auto touched = ring->prefault(); !touched) return Failure(touched.error());
    maps.control = std::move(*control);
    maps.ring = std::move(*ring);
    return maps;
  }

 private:
  Descriptor file_;
  std::uint64_t control_bytes_ = 0;
  std::uint64_t ring_bytes_ = 0;
};

}  // namespace millrace::alternatives
