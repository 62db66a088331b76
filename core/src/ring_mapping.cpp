// The ring that is mapped twice, back to back.
#include "mapped_file.hpp"
#include "millrace/core/limits.hpp"
#include "millrace/core/mapping.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace millrace {
namespace {

// Address space for both halves, given back by the destructor unless the halves took it over.
class Reservation {
 public:
  Reservation(std::uint64_t bytes, std::uint64_t alignment) noexcept : bytes_(bytes) {
    const std::uint64_t wanted = bytes + alignment;
    void* const got =
        mmap(nullptr, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return;
    const auto begin = reinterpret_cast<std::uintptr_t>(got);
    const std::uintptr_t aligned = (begin + alignment - 1) / alignment * alignment;
    base_ = static_cast<std::byte*>(got) + (aligned - begin);
    if (aligned > begin) munmap(got, aligned - begin);
    const std::uintptr_t rest = begin + wanted - (aligned + bytes);
    if (rest > 0) munmap(base_ + bytes, rest);
  }

  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  ~Reservation() {
    if (base_ != nullptr && bytes_ > 0) munmap(base_, bytes_);
  }

  // Null if there was no room.
  [[nodiscard]] std::byte* base() const noexcept { return base_; }

  // The first `bytes` bytes of what is left now belong to a mapping. They must not be unmapped here
  // again: by then another thread may have got the addresses.
  void give(std::uint64_t bytes) noexcept {
    base_ += bytes;
    bytes_ -= bytes;
  }

 private:
  std::byte* base_ = nullptr;
  std::uint64_t bytes_;
};

unsigned long long wide(std::uint64_t number) noexcept {
  return number;
}

Result<void> check_ring(int fd, detail::FileRange ring, std::uint64_t granule) noexcept {
  if (auto checked = detail::check_range(fd, ring, granule); !checked) return checked;
  if (ring.bytes % granule == 0 && ring.bytes <= kRingBytesMax) return {};
  return fail(Errc::bad_argument,
              "a ring of %llu bytes cannot be mapped twice: it must be a multiple of the page, "
              "%llu bytes, and at most %llu",
              wide(ring.bytes), wide(granule), wide(kRingBytesMax));
}

}  // namespace

struct RingMapping::Impl {
  boost::interprocess::mapped_region first;
  boost::interprocess::mapped_region second;
  pid_t process = getpid();
};

RingMapping::RingMapping() noexcept = default;

RingMapping::RingMapping(RingMapping&& other) noexcept
    : impl_(std::move(other.impl_)),
      data_(std::exchange(other.data_, nullptr)),
      ring_bytes_(std::exchange(other.ring_bytes_, 0)),
      access_(other.access_) {}

RingMapping& RingMapping::operator=(RingMapping&& other) noexcept {
  RingMapping taken(std::move(other));  // what was here before goes with it
  std::swap(impl_, taken.impl_);
  std::swap(data_, taken.data_);
  std::swap(ring_bytes_, taken.ring_bytes_);
  std::swap(access_, taken.access_);
  return *this;
}

RingMapping::~RingMapping() {
  if (impl_ && impl_->process != getpid()) static_cast<void>(impl_.release());
}

Result<RingMapping> RingMapping::of(int fd, std::uint64_t offset, std::uint64_t ring_bytes,
                                    Access access, bool huge) noexcept {
  const std::uint64_t granule = huge ? kHugePageBytes : detail::page_bytes();
  const detail::FileRange range{offset, ring_bytes};
  if (auto checked = check_ring(fd, range, granule); !checked) {
    return std::unexpected(checked.error());
  }
  Reservation space(2 * ring_bytes, granule);
  if (space.base() == nullptr) {
    return fail_os(errno, "no address space for a ring of 2 x %llu bytes (see ulimit -v)",
                   wide(ring_bytes));
  }
  const detail::OpenFile file(fd, access);
  std::byte* const base = space.base();
  auto first = detail::map(file, range, base);
  if (!first) return std::unexpected(first.error());
  space.give(ring_bytes);
  auto second = detail::map(file, range, base + ring_bytes);
  if (!second) return std::unexpected(second.error());
  space.give(ring_bytes);
  hide_from_forks_and_dumps(base, 2 * ring_bytes);
  RingMapping made;
  made.impl_ = std::make_unique<Impl>();
  made.impl_->first.swap(*first);
  made.impl_->second.swap(*second);
  made.data_ = base;
  made.ring_bytes_ = ring_bytes;
  made.access_ = access;
  return made;
}

Result<void> RingMapping::prefault() const noexcept {
  return millrace::prefault(data_, 2 * ring_bytes_, access_);
}

Result<void> RingMapping::lock_memory() const noexcept {
  if (mlock(data_, ring_bytes_) == 0) return {};
  const int refused = errno;
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  if (refused == ENOMEM || refused == EPERM || refused == EAGAIN) {
    return fail(
        Errc::no_space,
        "cannot lock a ring of %llu bytes in memory: the limit for locked "
        "memory is %llu bytes: raise it (ulimit -l, LimitMEMLOCK=, docker --ulimit memlock) "
        "or switch lock off",
        wide(ring_bytes_), wide(limit.rlim_cur));
  }
  return fail_os(refused, "cannot lock a ring of %llu bytes in memory", wide(ring_bytes_));
}

}  // namespace millrace
