// A segment is one file of a domain that begins with a layout::SegmentHeader. NewSegment builds one
// that nobody can see until link() gives it a name; Segment opens one that somebody else built and
// believes nothing in it.
//
// The order of building is the point of NewSegment: an unnamed file, its length, the mapping, the
// NUMA binding, then the allocation (which is first touch, so binding later would be void) in steps
// with a look at the headroom before each, population, a look where the pages went, the header. The
// caller then writes its own bytes, takes its lock on fd() if the file carries one, and links.
//
// I1: a file under its final name is complete. I2: whatever fails, nothing is left behind; what a
//     killed creator leaves is at most a private name (private_name.hpp), where unnamed files are
//     refused by the file system.
// I3: a lock taken on fd() lives as long as the descriptor or the mapping of its NewSegment, which
//     keeps the same open file. Forked children do not inherit that mapping, so they cannot prolong
//     it; they must not touch data() either.
// I4: header() of an opened segment is a private copy that was checked; the bytes at data() are
//     somebody else's and may change at any time.
//
// Thread rules: use one object from one thread at a time.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/mapping.hpp"
#include "millrace/core/placement.hpp"
#include "millrace/core/result.hpp"
#include "millrace/core/segment_layout.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace millrace {

// The feature bits this version understands. An unknown bit of `read` refuses the file, of `write`
// refuses to write to it, of `info` means nothing.
inline constexpr std::uint64_t kFeaturesReadKnown = 0;
inline constexpr std::uint64_t kFeaturesWriteKnown = 0;
inline constexpr std::uint64_t kFeaturesInfoKnown = 0;

inline constexpr std::uint32_t kKeepGroup = ~std::uint32_t{0};

struct SegmentPlan {
  layout::FileKind kind = layout::FileKind::meta;
  std::uint64_t fingerprint = 0;
  std::uint64_t file_bytes = 0;           // whole file; on hugetlbfs a multiple of 2 MiB
  std::uint64_t data_bytes = 0;           // its ring, 0 if it has none
  std::uint64_t data_offset = 0;          // where the ring begins, a multiple of page_bytes
  std::uint32_t page_bytes = kPageBytes;  // kHugePageBytes on hugetlbfs
  Placement placement{};                  // of the ring; of the whole file if it has none
  bool prefault = true;
  std::uint32_t mode = 0644;         // exactly this, whatever the umask says
  std::uint32_t group = kKeepGroup;  // gid
  std::uint64_t creator_incarnation = 0;
  std::uint64_t features_read = 0;
  std::uint64_t features_write = 0;
  std::uint64_t features_info = 0;
  bool unnamed = true;  // false: build under a private name, as where O_TMPFILE is refused
};

class NewSegment {
 public:
  // Builds the file in the file system of `directory_fd`, a directory the caller may write to.
  // Errors: bad_argument (the plan contradicts itself), no_space with the numbers and the fix,
  // no_permission, unsupported (the file system cannot allocate), system.
  [[nodiscard]] static Result<NewSegment> create(int directory_fd, const SegmentPlan& plan);

  NewSegment(NewSegment&& other) noexcept { *this = std::move(other); }

  NewSegment& operator=(NewSegment&& other) noexcept;
  ~NewSegment();

  // The whole file, writable; it begins with the finished header. Behind it all is zero.
  [[nodiscard]] std::byte* data() const noexcept { return mapping_.data(); }

  [[nodiscard]] std::size_t size() const noexcept { return mapping_.size(); }

  // For the lock that must be held before the file has a name. Never dup it.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  [[nodiscard]] const PlacementReport& placement() const noexcept { return placement_; }

  // Sets group and mode, then gives the file its name in one step. Errors: exists (the name is
  // taken, or this segment already has one), no_permission (not a member of the group), system.
  [[nodiscard]] Result<void> link(int directory_fd, const char* name);

  // Give away the open file (with its lock) or the mapping; the rest is closed by the destructor.
  [[nodiscard]] Descriptor release_fd() noexcept { return std::move(fd_); }

  [[nodiscard]] Mapping release_mapping() noexcept { return std::move(mapping_); }

 private:
  NewSegment() noexcept = default;

  Result<void> build(int directory_fd, const SegmentPlan& plan);
  Result<void> open_private(int directory_fd, std::uint64_t incarnation);
  Result<void> name_it(int directory_fd, const char* name) const;
  void forget_private_name() noexcept;

  Descriptor fd_;
  Mapping mapping_;
  PlacementReport placement_{};
  std::uint32_t mode_ = 0;
  std::uint32_t group_ = kKeepGroup;
  bool linked_ = false;
  // Only for a file that was built under a private name, which `directory_` still holds.
  Descriptor directory_;
  std::string private_name_;
  int process_ = 0;
};

struct SegmentExpectation {
  layout::FileKind kind = layout::FileKind::meta;
  std::uint64_t fingerprint = 0;
  std::uint64_t bytes_min = sizeof(layout::SegmentHeader);
  // More is refused: a file that says it is huge would use up the address space of who maps it.
  std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max();
  std::uint32_t page_bytes = kPageBytes;
};

class Segment {
 public:
  // Opens and maps a file that link() named. It never waits and never follows a symbolic link.
  // Errors: not_found; no_permission with owner and mode; format with what differs (not a regular
  // file, not ours, other version, layout, kind, byte order, unknown feature, cut off).
  [[nodiscard]] static Result<Segment> open(int directory_fd, const char* name,
                                            const SegmentExpectation& expected, Access access);

  // A checked copy, made before the file was mapped.
  [[nodiscard]] const layout::SegmentHeader& header() const noexcept { return header_; }

  [[nodiscard]] std::byte* data() const noexcept { return mapping_.data(); }

  // As the header says; the file was at least that long when it was opened.
  [[nodiscard]] std::size_t size() const noexcept { return mapping_.size(); }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  [[nodiscard]] Access access() const noexcept { return access_; }

  // False: made before the last reboot, or nobody can tell. All of its writers are then dead.
  [[nodiscard]] bool of_this_boot() const noexcept;

  // True once the file has lost its name (logind's RemoveIPC, an administrator, `clean`): new peers
  // can no longer find it. A system call.
  [[nodiscard]] bool unlinked() const noexcept;

  // Bytes the file has now; less than size() means that its owner cut it off. A system call.
  [[nodiscard]] std::uint64_t bytes_now() const noexcept;

 private:
  Segment() noexcept = default;

  layout::SegmentHeader header_{};
  Descriptor fd_;
  Mapping mapping_;
  Access access_ = Access::read;
};

}  // namespace millrace
