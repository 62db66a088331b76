// Mapping shows a part of a file in memory. RingMapping shows a ring twice, back to back, so that a
// record that crosses the ring's end is still one contiguous piece of memory:
//
//        data()                    data() + ring_bytes          data() + 2 * ring_bytes
//          |  the ring                     |  the same bytes again      |
//
// I1: a byte written at index i of a RingMapping is the byte at i + ring_bytes.
// I2: neither maps beyond the end the file had when it was made; a file that its owner truncates
//     later raises SIGBUS, which SigbusGuard turns into "poisoned".
// I3: a forked child never unmaps: its memory belongs to the parent's objects.
//
// Thread rules: make, move and destroy from one thread at a time; the bytes follow the rules of
// whoever lays them out.
#pragma once

#include "millrace/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <sys/types.h>

namespace millrace {

enum class Access : std::uint8_t { read, write };

// Asks that a range is neither copied to forked children nor written to core dumps: a child must
// not hold a lane, and a dump of a ring delays the release of its owner's lock. Failures do no
// harm.
void hide_from_forks_and_dumps(void* data, std::size_t bytes) noexcept;

// Brings every page of a mapped range in now instead of at first use. Bytes do not change.
// REQUIRES: the range is mapped with `access`.
[[nodiscard]] Result<void> prefault(void* data, std::size_t bytes, Access access) noexcept;

class Mapping {
 public:
  // Maps `bytes` bytes (> 0) of the file from `offset`, a multiple of the page size.
  // Errors: bad_argument (range, alignment, beyond the end of the file), no_permission, no_space
  // (address space), system.
  [[nodiscard]] static Result<Mapping> of(int fd, std::uint64_t offset, std::uint64_t bytes,
                                          Access access) noexcept;

  Mapping() noexcept;
  Mapping(Mapping&&) noexcept;
  Mapping& operator=(Mapping&&) noexcept;
  ~Mapping();

  // Null and 0 for an empty Mapping.
  [[nodiscard]] std::byte* data() const noexcept { return data_; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  // Whether this mapping holds memory.
  [[nodiscard]] bool valid() const noexcept { return data_ != nullptr; }

 private:
  struct Impl;

  std::unique_ptr<Impl> impl_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

class RingMapping {
 public:
  // Maps `ring_bytes` bytes of the file from `offset` twice. `huge` says that the file lies on a
  // hugetlbfs of 2 MiB pages: the base address is then 2 MiB aligned, and `offset` and `ring_bytes`
  // must be multiples of 2 MiB; otherwise of the page size.
  // The ring is hidden from forks and core dumps. Errors as Mapping::of.
  [[nodiscard]] static Result<RingMapping> of(int fd, std::uint64_t offset,
                                              std::uint64_t ring_bytes, Access access,
                                              bool huge = false) noexcept;

  RingMapping() noexcept;
  RingMapping(RingMapping&&) noexcept;
  RingMapping& operator=(RingMapping&&) noexcept;
  ~RingMapping();

  // 2 * ring_bytes() contiguous bytes, null for an empty RingMapping.
  [[nodiscard]] std::byte* data() const noexcept { return data_; }

  [[nodiscard]] std::uint64_t ring_bytes() const noexcept { return ring_bytes_; }

  [[nodiscard]] bool valid() const noexcept { return data_ != nullptr; }

  // Touches both mappings, so that neither the first nor the second lap takes page faults.
  [[nodiscard]] Result<void> prefault() const noexcept;

  // Keeps the ring out of swap. Locks one of the two mappings: the kernel counts every locked
  // mapping against the limit, and one is enough to hold the pages. Error: no_space with the limit.
  [[nodiscard]] Result<void> lock_memory() const noexcept;

 private:
  struct Impl;

  std::unique_ptr<Impl> impl_;
  std::byte* data_ = nullptr;
  std::uint64_t ring_bytes_ = 0;
  Access access_ = Access::read;
};

}  // namespace millrace
