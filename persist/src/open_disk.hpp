// Opens the directory of a journal on a real file system: judges it (R8), finds the block size and
// the way to make writes durable, and picks the best engine that this kernel allows. What was
// fallen back from is said in facts().note, with the remedy.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/disk.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace millrace {

struct DiskOptions {
  std::string directory;
  bool create = false;     // make the directory (not its parents) and be content with an empty one
  bool read_only = false;  // neither locks nor writes; works beside a writer
  bool allow_volatile = false;
  bool trust_file_system = false;
  std::optional<Durability>
      durability{};         // unset: as the manifest says; of a new journal: measured
  std::uint32_t depth = 4;  // writes in flight at most, 1 to 32
  bool use_io_uring = true;
};

// The disk belongs to the thread that opens it. Errors: not_found (no journal there), no_permission
// (also where everybody may write), unsupported (the file system cannot be believed, or its blocks
// are larger than 64 KiB), no_space, bad_argument, system.
[[nodiscard]] Result<std::unique_ptr<Disk>> open_disk(const DiskOptions& options);

// For who only looks: wherever the journal lies, beside its writer.
[[nodiscard]] Result<std::unique_ptr<Disk>> open_disk_to_read(const std::string& directory);

}  // namespace millrace
