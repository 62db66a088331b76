#include "millrace/core/mapping.hpp"

#include "mapped_file.hpp"
#include "millrace/core/limits.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace millrace {
namespace ipc = boost::interprocess;

namespace detail {

Result<ipc::mapped_region> map(OpenFile file, FileRange range, const void* address) noexcept {
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

Result<void> check_range(int fd, FileRange range, std::uint64_t granule) noexcept {
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

}  // namespace detail

namespace {

// MADV_POPULATE_* is younger (Linux 5.14) than some kernels we run on. The write below adds
// nothing: it makes a page writable without changing a byte that somebody else may be writing.
// Volatile, because a compiler may drop an atomic operation that adds nothing.
void touch(std::byte* data, std::size_t bytes, Access access) noexcept {
  for (std::size_t at = 0; at < bytes; at += kPageBytes) {
    auto* const byte = reinterpret_cast<volatile unsigned char*>(data + at);
    if (access == Access::write) {
      __atomic_fetch_or(byte, 0, __ATOMIC_RELAXED);
    } else {
      static_cast<void>(*byte);
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
  Mapping taken(std::move(other));  // what was here before goes with it
  std::swap(impl_, taken.impl_);
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

Mapping::~Mapping() {
  if (impl_ && impl_->process != getpid()) static_cast<void>(impl_.release());
}

Result<Mapping> Mapping::of(int fd, std::uint64_t offset, std::uint64_t bytes,
                            Access access) noexcept {
  if (auto checked = detail::check_range(fd, {offset, bytes}, detail::page_bytes()); !checked) {
    return std::unexpected(checked.error());
  }
  auto region = detail::map(detail::OpenFile(fd, access), {offset, bytes}, nullptr);
  if (!region) return std::unexpected(region.error());
  Mapping made;
  made.impl_ = std::make_unique<Impl>();
  made.impl_->region.swap(*region);
  made.data_ = static_cast<std::byte*>(made.impl_->region.get_address());
  made.size_ = made.impl_->region.get_size();
  return made;
}

}  // namespace millrace
