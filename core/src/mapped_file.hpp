// How Boost.Interprocess maps a part of a file that is already open. Its exceptions end here.
#pragma once

#include "millrace/core/mapping.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>

#include <boost/interprocess/mapped_region.hpp>

namespace millrace::detail {

// What Boost asks of a thing that can be mapped: a descriptor that somebody else owns.
class OpenFile {
 public:
  OpenFile(int fd, Access access) noexcept : fd_(fd), access_(access) {}

  [[nodiscard]] boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept {
    return boost::interprocess::ipcdetail::mapping_handle_from_file_handle(fd_);
  }

  [[nodiscard]] boost::interprocess::mode_t get_mode() const noexcept {
    using boost::interprocess::read_only, boost::interprocess::read_write;
    return access_ == Access::write ? read_write : read_only;
  }

 private:
  int fd_;
  Access access_;
};

struct FileRange {
  std::uint64_t offset;
  std::uint64_t bytes;
};

[[nodiscard]] std::uint64_t page_bytes() noexcept;

// A range that reaches beyond the end would map, and kill its user with SIGBUS at first touch.
// `granule`: what the offset must be a multiple of.
[[nodiscard]] Result<void> check_range(int fd, FileRange range, std::uint64_t granule) noexcept;

// Null as address: wherever there is room; otherwise exactly there, over whatever is there.
[[nodiscard]] Result<boost::interprocess::mapped_region> map(OpenFile file, FileRange range,
                                                             const void* address) noexcept;

}  // namespace millrace::detail
