#include "millrace/core/mapping.hpp"

#include "millrace/core/limits.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <boost/interprocess/mapped_region.hpp>

namespace millrace {
namespace {

namespace ipc = boost::interprocess;

// What Boost asks of a thing that can be mapped: a descriptor that somebody else owns.
class OpenFile {
 public:
  OpenFile(int fd, Access access) noexcept : fd_(fd), access_(access) {}

  [[nodiscard]] ipc::mapping_handle_t get_mapping_handle() const noexcept {
    return ipc::ipcdetail::mapping_handle_from_file_handle(fd_);
  }

  [[nodiscard]] ipc::mode_t get_mode() const noexcept {
    return access_ == Access::write ? ipc::read_write : ipc::read_only;
  }

 private:
  int fd_;
  Access access_;
};

struct Range {
  std::uint64_t offset;
  std::uint64_t bytes;
};

Result<ipc::mapped_region> map(OpenFile file, Range range, const void* address) noexcept {
  const int options = address != nullptr ? MAP_FIXED : 0;
  try {
    return ipc::mapped_region(file, file.get_mode(), static_cast<ipc::offset_t>(range.offset),
                              static_cast<std::size_t>(range.bytes), address, options);
  } catch (const ipc::interprocess_exception& refused) {
    return fail_os(refused.get_native_error(), "cannot map %llu bytes at offset %llu of a file",
                   static_cast<unsigned long long>(range.bytes),
                   static_cast<unsigned long long>(range.offset));
  }
}

// A range that reaches beyond the end would map, and kill its user with SIGBUS at first touch.
Result<void> check_range(int fd, Range range, std::uint64_t granule) noexcept {
  struct stat status {};

  if (fstat(fd, &status) != 0) return fail_os(errno, "cannot look at the file to be mapped");
  const auto file_bytes = static_cast<std::uint64_t>(status.st_size);
  if (range.bytes == 0 || range.offset > file_bytes || range.bytes > file_bytes - range.offset) {
    return fail(Errc::bad_argument, "cannot map %llu bytes at offset %llu of a file of %llu bytes",
                static_cast<unsigned long long>(range.bytes),
                static_cast<unsigned long long>(range.offset),
                static_cast<unsigned long long>(file_bytes));
  }
  if (range.offset % granule != 0) {
    return fail(Errc::bad_argument, "cannot map at offset %llu: not a multiple of the page, %llu",
                static_cast<unsigned long long>(range.offset),
                static_cast<unsigned long long>(granule));
  }
  return {};
}

std::uint64_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

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

// MADV_POPULATE_* is younger (Linux 5.14) than some kernels we run on. The write below adds
// nothing: it makes a page writable without changing a byte that somebody else may be writing.
void touch(std::byte* data, std::size_t bytes, Access access) noexcept {
  for (std::size_t at = 0; at < bytes; at += kPageBytes) {
    if (access == Access::write) {
      __atomic_fetch_or(reinterpret_cast<unsigned char*>(data + at), 0, __ATOMIC_RELAXED);
    } else {
      static_cast<void>(*reinterpret_cast<volatile unsigned char*>(data + at));
    }
  }
}

}  // namespace

void hide_from_forks_and_dumps(void* data, std::size_t bytes) noexcept {
  madvise(data, bytes, MADV_DONTFORK);
  madvise(data, bytes, MADV_DONTDUMP);
}

Result<void> prefault(void* data, std::size_t bytes, Access access) noexcept {
  const int advice = access == Access::write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
  int refused = 0;
  do {
    refused = madvise(data, bytes, advice) == 0 ? 0 : errno;
  } while (refused == EINTR || refused == EAGAIN);
  if (refused == 0) return {};
  if (refused != EINVAL && refused != ENOSYS && refused != EPERM) {
    return fail_os(refused, "cannot bring %zu bytes of a file into memory", bytes);
  }
  touch(static_cast<std::byte*>(data), bytes, access);
  return {};
}

struct Mapping::Impl {
  ipc::mapped_region region;
  pid_t process = getpid();
};

Mapping::Mapping() noexcept = default;

Mapping::Mapping(Mapping&& other) noexcept
    : impl_(std::move(other.impl_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(impl_, other.impl_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (impl_ && impl_->process != getpid()) static_cast<void>(impl_.release());
}

Result<Mapping> Mapping::of(int fd, std::uint64_t offset, std::uint64_t bytes,
                            Access access) noexcept {
  if (auto checked = check_range(fd, {offset, bytes}, page_bytes()); !checked) {
    return std::unexpected(checked.error());
  }
  auto region = map(OpenFile(fd, access), {offset, bytes}, nullptr);
  if (!region) return std::unexpected(region.error());
  Mapping made;
  made.impl_ = std::make_unique<Impl>();
  made.impl_->region.swap(*region);
  made.data_ = static_cast<std::byte*>(made.impl_->region.get_address());
  made.size_ = made.impl_->region.get_size();
  return made;
}

struct RingMapping::Impl {
  ipc::mapped_region first;
  ipc::mapped_region second;
  pid_t process = getpid();
};

RingMapping::RingMapping() noexcept = default;

RingMapping::RingMapping(RingMapping&& other) noexcept
    : impl_(std::move(other.impl_)),
      data_(std::exchange(other.data_, nullptr)),
      ring_bytes_(std::exchange(other.ring_bytes_, 0)),
      access_(other.access_) {}

RingMapping& RingMapping::operator=(RingMapping&& other) noexcept {
  std::swap(impl_, other.impl_);
  std::swap(data_, other.data_);
  std::swap(ring_bytes_, other.ring_bytes_);
  std::swap(access_, other.access_);
  return *this;
}

RingMapping::~RingMapping() {
  if (impl_ && impl_->process != getpid()) static_cast<void>(impl_.release());
}

Result<RingMapping> RingMapping::of(int fd, std::uint64_t offset, std::uint64_t ring_bytes,
                                    Access access, bool huge) noexcept {
  const std::uint64_t granule = huge ? kHugePageBytes : page_bytes();
  const Range range{offset, ring_bytes};
  if (auto checked = check_range(fd, range, granule); !checked) {
    return std::unexpected(checked.error());
  }
  if (ring_bytes % granule != 0 || ring_bytes > kRingBytesMax) {
    return fail(Errc::bad_argument,
                "a ring of %llu bytes cannot be mapped twice: it must be a "
                "multiple of the page, %llu bytes, and at most %llu",
                static_cast<unsigned long long>(ring_bytes),
                static_cast<unsigned long long>(granule),
                static_cast<unsigned long long>(kRingBytesMax));
  }
  Reservation space(2 * ring_bytes, huge ? kHugePageBytes : page_bytes());
  if (space.base() == nullptr) {
    return fail_os(errno, "no address space for a ring of 2 x %llu bytes (see ulimit -v)",
                   static_cast<unsigned long long>(ring_bytes));
  }
  const OpenFile file(fd, access);
  std::byte* const base = space.base();
  auto first = map(file, range, base);
  if (!first) return std::unexpected(first.error());
  space.give(ring_bytes);
  auto second = map(file, range, base + ring_bytes);
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
        static_cast<unsigned long long>(ring_bytes_),
        static_cast<unsigned long long>(limit.rlim_cur));
  }
  return fail_os(refused, "cannot lock a ring of %llu bytes in memory",
                 static_cast<unsigned long long>(ring_bytes_));
}

}  // namespace millrace
