// Can this file system be believed when it says that a write is on the medium? Judged by what it
// is, never by whether O_DIRECT succeeds: tmpfs accepts that and every flush, and forgets all.
#pragma once

#include "millrace/core/kernel_text.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace millrace {

enum class Trust : std::uint8_t {
  overwrites,     // ext4, XFS: prewritten blocks are overwritten where they lie
  copy_on_write,  // Btrfs, Bcachefs, ZFS, F2FS: each overwrite allocates; ENOSPC can hit it
  volatile_memory,
  remote,   // NFS, CIFS, FUSE, ...: another program decides what a flush means
  unknown,  // nobody has looked at it, or it cannot be seen from here
};

struct FileSystem {
  std::string name;  // "ext4"; "overlay on ext4"
  Trust trust = Trust::unknown;
  std::string device;      // "MAJOR:MINOR" of the block device behind it; empty: none, or unknown
  std::string upper_path;  // of an overlay whose upper directory cannot be seen; else empty
};

// What lies behind an open directory. An overlay is judged by the file system of its upper
// directory, because that is where writes go.
[[nodiscard]] Result<FileSystem> file_system_of(int directory_fd, const std::string& path);

// The mount that a file is on; nothing where proc is not readable.
[[nodiscard]] std::optional<detail::Mount> mount_of(int fd);

// Refuses what must not hold a journal, unless the caller took the risk upon himself.
[[nodiscard]] Result<void> accept_file_system(const FileSystem& found, const std::string& path,
                                              bool allow_volatile, bool trust_file_system);

}  // namespace millrace
