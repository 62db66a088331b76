// Whether a file system takes O_DIRECT, and the alignment that it and the device ask for.
#pragma once

#include "journal_directory.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>

namespace millrace {

struct DirectIo {
  bool possible = false;
  std::uint32_t block_bytes = 4096;  // power of two; as large as the device's own blocks
};

inline constexpr std::uint32_t kBlockBytesMin = 4096;
inline constexpr std::uint32_t kBlockBytesMax = 65536;

// Errors: unsupported (blocks are larger than kBlockBytesMax), no_permission, no_space, system.
[[nodiscard]] Result<DirectIo> direct_io_of(const JournalDirectory& journal,
                                            const std::string& path, std::uint32_t physical_block);

// The block for these three alignments; each may be 0, "not told".
[[nodiscard]] Result<std::uint32_t> block_for(std::uint32_t memory, std::uint32_t offset,
                                              std::uint32_t physical, const std::string& path);

}  // namespace millrace
