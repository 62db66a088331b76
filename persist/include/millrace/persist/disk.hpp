// The seam between the journal and whatever keeps its bytes: real devices (io_uring, or pwritev2
// where that is refused) and the simulator of the tests. Everything above it, bytes, checksums and
// recovery, is the same code in both.
//
// A journal is a directory of slots, files of one fixed length that are written from the first day
// on and never renamed, and two small manifest files. All offsets, lengths and addresses are
// multiples of facts().block_bytes.
//
// Durability: a write that was submitted with `durable` and completed in full is on the medium. One
// without is volatile until a flush of its file, submitted after its completion, has completed.
//
// Thread rules: one thread, the one that made it (io_uring's SINGLE_ISSUER). prepare() works in the
// background; its completion comes through wait() like any other.
#pragma once

#include "millrace/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// How a write becomes durable (D3).
enum class Durability : std::uint8_t {
  dsync = 0,     // mode A: O_DIRECT overwrite of prewritten blocks with RWF_DSYNC
  flush = 1,     // mode B: plain O_DIRECT write, then a flush submitted after its completion
  buffered = 2,  // mode C: through the page cache, then fdatasync; errors may be forgotten by it
};

[[nodiscard]] const char* to_string(Durability mode) noexcept;

struct DiskFacts {
  std::uint32_t block_bytes = 4096;  // power of two, 4096 to 65536
  Durability durability = Durability::dsync;
  bool copy_on_write = false;    // ENOSPC can hit an overwrite
  bool volatile_memory = false;  // tmpfs: survives no power loss, and says so
  std::string file_system;       // "ext4", for people
  std::string engine;            // "io_uring", "pwritev2", "simulator"
  std::string note;              // what was fallen back from and why; empty: nothing
};

// Slots are numbered from 0; the manifests are two more files.
using DiskFile = std::uint32_t;

// A second hand on the same files, for another thread (one a reader).
class DiskReader {
 public:
  virtual ~DiskReader() = default;
  virtual Result<void> read(DiskFile file, std::uint64_t offset, std::span<std::byte> into) = 0;
};

class Disk {
 public:
  using File = DiskFile;
  static constexpr File kManifestA = 0xffff'fff0;
  static constexpr File kManifestB = 0xffff'fff1;

  struct Done {
    std::uint64_t id = 0;
    std::int64_t result = 0;  // bytes written, 0 for a flush or preparation, -errno
  };

  virtual ~Disk() = default;

  [[nodiscard]] virtual const DiskFacts& facts() const noexcept = 0;

  // Takes the log's lock for writing. Errc::busy names the holder, who may be a dead process whose
  // last writes are still on their way; `waiting` is called about once a second while it waits, and
  // ends the wait by returning false. The lock outlives this object until its last write landed.
  virtual Result<void> lock(bool (*waiting)(void* context, const Error& why), void* context) = 0;

  // Slots that exist, ascending, with their lengths; a slot that was never completed is among them.
  struct Slot {
    File file = 0;
    std::uint64_t bytes = 0;
    // Not every block is its own and written (a sparse or reflinked copy, a snapshot): overwrites
    // allocate, are slow and may fail for want of space, until it is prepared again.
    bool doubtful = false;
  };

  virtual Result<std::vector<Slot>> slots() = 0;

  // Blocking and only while nothing is in flight: recovery and the cold parts.
  virtual Result<void> read(File file, std::uint64_t offset, std::span<std::byte> into) = 0;

  // Null: this disk has no second hand (a simulator that must know what comes when).
  virtual std::unique_ptr<DiskReader> make_reader() { return nullptr; }

  // Makes everything durable that anybody has written to any file here, and the directory.
  virtual Result<void> flush_all() = 0;
  // Overwrites one block durably.
  virtual Result<void> write_block(File file, std::uint64_t offset,
                                   std::span<const std::byte> block) = 0;

  // `count` buffers of `bytes` each, aligned, registered where the kernel allows it. Once.
  virtual Result<void> make_buffers(std::size_t count, std::size_t bytes) = 0;
  [[nodiscard]] virtual std::span<std::byte> buffer(std::size_t index) noexcept = 0;

  // Starts a write from buffer `index`. `durable` is honoured in mode A only; in B and C the caller
  // flushes. Short writes and EAGAIN are resubmitted here (bounded); Done says the whole truth.
  virtual void write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
                     std::size_t bytes, bool durable) noexcept = 0;
  virtual void flush(std::uint64_t id, File file) noexcept = 0;

  // Makes slot `file` of `bytes`, in the background: allocate, write the pattern, fdatasync, fsync
  // the directory. An existing one is written over. -ENOSPC leaves nothing behind.
  virtual void prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept = 0;
  virtual Result<void> remove(File file) = 0;

  // Blocks until something has completed, at most `timeout_ns` (0: only looks). Any order. Returns
  // how many; never spins.
  virtual std::size_t wait(std::span<Done> done, std::uint64_t timeout_ns) noexcept = 0;

  // For retention by age and clock records.
  struct Now {
    std::uint64_t wall_ns = 0;  // since 1970
    std::uint64_t boot_ns = 0;  // CLOCK_BOOTTIME
    std::uint8_t boot_id[16] = {};
  };

  [[nodiscard]] virtual Now now() const noexcept = 0;

  // Bytes that are free for new slots, as far as can be told.
  [[nodiscard]] virtual std::uint64_t free_bytes() const noexcept = 0;
};

// What a file that was prepared and never used holds, 8 bytes at a time. Not zeroes: thin storage
// may turn those into holes, and the first real write would have to allocate again.
inline constexpr std::uint64_t kPreparedPattern = 0x5afe'5107'c0de'd15c;

}  // namespace millrace
