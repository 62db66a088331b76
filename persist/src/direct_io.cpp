#include "direct_io.hpp"

#include "scratch_file.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cinttypes>
#include <fcntl.h>
#include <sys/stat.h>

namespace millrace {
namespace {

// A file with O_DIRECT: one that is there, through a description of its own, else a scratch file.
Descriptor open_direct(const JournalDirectory& journal) {
  if (!journal.any_file.valid()) return scratch_file(journal.directory.get(), true);
  const std::string own = "/proc/self/fd/" + std::to_string(journal.any_file.get());
  return Descriptor(open(own.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
}

}  // namespace

Result<std::uint32_t> block_for(std::uint32_t memory, std::uint32_t offset, std::uint32_t physical,
                                const std::string& path) {
  const std::uint32_t largest = std::max({memory, offset, physical});
  if (largest > kBlockBytesMax) {
    return fail(Errc::unsupported,
                "the device under %s wants blocks of %" PRIu32 " bytes (memory %" PRIu32
                ", offset %" PRIu32 ", physical %" PRIu32 "), a journal's are at most %" PRIu32
                ": choose another device",
                path.c_str(), largest, memory, offset, physical, kBlockBytesMax);
  }
  return std::bit_ceil(std::max(largest, kBlockBytesMin));
}

Result<DirectIo> direct_io_of(const JournalDirectory& journal, const std::string& path,
                              std::uint32_t physical_block) {
  DirectIo found;
  const Descriptor file = open_direct(journal);
  const int refused = file.valid() ? 0 : errno;
  if (refused != 0 && refused != EINVAL && refused != EOPNOTSUPP) {
    return fail_os(refused, "cannot use the journal %s", path.c_str());
  }
  found.possible = file.valid();
  std::uint32_t memory = 0;
  std::uint32_t offset = 0;

  struct statx facts {};

  if (found.possible && statx(file.get(), "", AT_EMPTY_PATH, STATX_DIOALIGN, &facts) == 0 &&
      (facts.stx_mask & STATX_DIOALIGN) != 0) {
    memory = facts.stx_dio_mem_align;
    offset = facts.stx_dio_offset_align;
    // Zero says that this very file cannot, whatever open() said.
    found.possible = memory != 0 && offset != 0;
  }
  const auto block = block_for(memory, offset, physical_block, path);
  if (!block) return std::unexpected(block.error());
  found.block_bytes = *block;
  return found;
}

}  // namespace millrace
