#include "millrace/core/headroom.hpp"
#include "millrace/core/private_name.hpp"
#include "millrace/core/segment.hpp"
#include "millrace/core/topology.hpp"
#include "millrace/core/unique_number.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utility>

namespace millrace {
namespace {

constexpr std::uint64_t kStepBytes = std::uint64_t{16} << 20;
constexpr std::uint64_t kStepBytesMin = std::uint64_t{256} << 10;

using FdPath = std::array<char, 32>;

FdPath path_of(int fd) noexcept {
  FdPath path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
  return path;
}

Result<void> check(const SegmentPlan& plan) {
  const std::uint64_t page = plan.page_bytes;
  const bool page_known = page == kPageBytes || page == kHugePageBytes;
  const bool holds_header = plan.file_bytes >= sizeof(layout::SegmentHeader);
  const bool holds_data =
      plan.data_bytes == 0 ||
      (plan.data_offset >= sizeof(layout::SegmentHeader) && plan.data_offset <= plan.file_bytes &&
       plan.data_bytes <= plan.file_bytes - plan.data_offset && page_known &&
       plan.data_offset % page == 0);
  const bool whole = page_known && (page == kPageBytes || plan.file_bytes % page == 0);
  if (page_known && holds_header && holds_data && whole && (plan.mode & ~07777U) == 0) return {};
  return fail(Errc::bad_argument,
              "no segment of %llu bytes with %llu bytes of data at %llu in pages of %llu and mode "
              "%o can be built",
              static_cast<unsigned long long>(plan.file_bytes),
              static_cast<unsigned long long>(plan.data_bytes),
              static_cast<unsigned long long>(plan.data_offset),
              static_cast<unsigned long long>(page), plan.mode);
}

// The headroom of hugetlbfs is taken by the mapping, which reserves its pages; elsewhere it is
// looked at again before every further step, since others allocate meanwhile.
Result<void> allocate(int fd, const SegmentPlan& plan) {
  std::uint64_t step = kStepBytes;
  std::uint64_t done = 0;
  while (done < plan.file_bytes) {
    const std::uint64_t left = plan.file_bytes - done;
    if (done > 0 && plan.page_bytes == kPageBytes) {
      if (auto room = check_headroom(fd, left, plan.placement); !room) return room;
    }
    const std::uint64_t now = std::min(step, left);
    if (fallocate(fd, 0, static_cast<off_t>(done), static_cast<off_t>(now)) == 0) {
      done += now;
    } else if (errno == EINTR) {
      // tmpfs undoes an interrupted step; under a steady timer only a smaller one gets through.
      if (plan.page_bytes == kPageBytes) step = std::max(step / 2, kStepBytesMin);
    } else {
      return fail_os(errno, "cannot allocate %llu bytes",
                     static_cast<unsigned long long>(plan.file_bytes));
    }
  }
  return {};
}

void write_header(std::byte* data, const SegmentPlan& plan) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  layout::SegmentHeader header{};
  header.magic = layout::kMagic;
  header.format_major = layout::kFormatMajor;
  header.format_minor = layout::kFormatMinor;
  header.endianness = layout::kEndianness;
  header.fingerprint = plan.fingerprint;
  header.kind = static_cast<std::uint32_t>(plan.kind);
  header.page_bytes = plan.page_bytes;
  header.file_bytes = plan.file_bytes;
  header.data_bytes = plan.data_bytes;
  header.features_read = plan.features_read;
  header.features_write = plan.features_write;
  header.features_info = plan.features_info;
  const Uuid boot = boot_id();
  std::memcpy(header.boot_id, boot.data(), boot.size());
  header.created_wall_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                           static_cast<std::uint64_t>(now.tv_nsec);
  header.creator_incarnation = plan.creator_incarnation;
  std::memcpy(data, &header, sizeof header);
}

}  // namespace

Result<NewSegment> NewSegment::create(int directory_fd, const SegmentPlan& plan) {
  if (auto checked = check(plan); !checked) return std::unexpected(checked.error());
  if (auto room = check_headroom(directory_fd, plan.file_bytes, plan.placement); !room) {
    return std::unexpected(room.error());
  }
  NewSegment made;
  if (auto built = made.build(directory_fd, plan); !built) return std::unexpected(built.error());
  return made;
}

Result<void> NewSegment::build(int directory_fd, const SegmentPlan& plan) {
  mode_ = plan.mode;
  group_ = plan.group;
  process_ = getpid();
  if (plan.unnamed) {
    fd_ = Descriptor(openat(directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    // Without proc an unnamed file could not be given a name later.
    if (fd_.valid() && access(path_of(fd_.get()).data(), F_OK) != 0) fd_.close();
  }
  if (!fd_.valid()) {
    if (auto opened = open_private(directory_fd, plan.creator_incarnation); !opened) return opened;
  }
  if (ftruncate(fd_.get(), static_cast<off_t>(plan.file_bytes)) != 0) {
    return fail_os(errno, "cannot make a file of %llu bytes",
                   static_cast<unsigned long long>(plan.file_bytes));
  }
  auto mapping = Mapping::of(fd_.get(), 0, plan.file_bytes, Access::write);
  if (!mapping) return std::unexpected(mapping.error());
  mapping_ = std::move(*mapping);
  // Always: a mapping that a forked child inherits keeps the open file, and with it the lock of a
  // parent that died, although the child closed its copy of the descriptor.
  hide_from_forks_and_dumps(data(), size());

  const bool ring = plan.data_bytes > 0;
  std::byte* const placed = ring ? data() + plan.data_offset : data();
  const std::uint64_t placed_bytes = ring ? plan.data_bytes : plan.file_bytes;
  auto bound = bind_memory(placed, placed_bytes, plan.placement);
  if (!bound) return std::unexpected(bound.error());
  if (auto allocated = allocate(fd_.get(), plan); !allocated) return allocated;
  if (plan.prefault) {
    if (auto populated = prefault(data(), size(), Access::write); !populated) return populated;
  }
  placement_ = verify_memory(placed, placed_bytes, *bound);
  write_header(data(), plan);
  return {};
}

Result<void> NewSegment::open_private(int directory_fd, std::uint64_t incarnation) {
  private_name_ = private_name(incarnation);
  fd_ = Descriptor(openat(directory_fd, private_name_.c_str(),
                          O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd_.valid()) {
    const int refused = errno;
    private_name_.clear();
    return fail_os(refused, "cannot make a file in the directory");
  }
  directory_ = Descriptor(fcntl(directory_fd, F_DUPFD_CLOEXEC, 0));
  if (directory_.valid()) return {};
  const int refused = errno;
  unlinkat(directory_fd, private_name_.c_str(), 0);
  return fail_os(refused, "cannot keep the directory open");
}

Result<void> NewSegment::link(int directory_fd, const char* name) {
  if (linked_) return fail(Errc::exists, "a segment was already linked; %.80s is refused", name);
  if (group_ != kKeepGroup && fchown(fd_.get(), static_cast<uid_t>(-1), group_) != 0) {
    return fail_os(errno, "cannot give %.80s to group %u: join the group or leave it out", name,
                   group_);
  }
  if (fchmod(fd_.get(), mode_) != 0) {
    return fail_os(errno, "cannot set mode %o of %.80s", mode_, name);
  }
  if (auto named = name_it(directory_fd, name); !named) return named;
  private_name_.clear();
  directory_.close();
  linked_ = true;
  return {};
}

Result<void> NewSegment::name_it(int directory_fd, const char* name) const {
  if (!private_name_.empty()) {
    return show_private_name(directory_.get(), private_name_.c_str(), directory_fd, name);
  }
  if (linkat(AT_FDCWD, path_of(fd_.get()).data(), directory_fd, name, AT_SYMLINK_FOLLOW) == 0) {
    return {};
  }
  if (errno == EEXIST) return fail(Errc::exists, "%.80s exists already", name);
  return fail_os(errno, "cannot give the new file the name %.80s", name);
}

void NewSegment::forget_private_name() noexcept {
  // A forked child holds a copy of this object, but the file is its parent's.
  if (!private_name_.empty() && directory_.valid() && process_ == getpid()) {
    unlinkat(directory_.get(), private_name_.c_str(), 0);
  }
  private_name_.clear();
}

NewSegment& NewSegment::operator=(NewSegment&& other) noexcept {
  if (this == &other) return *this;
  forget_private_name();
  fd_ = std::move(other.fd_);
  mapping_ = std::move(other.mapping_);
  placement_ = other.placement_;
  mode_ = other.mode_;
  group_ = other.group_;
  linked_ = other.linked_;
  directory_ = std::move(other.directory_);
  private_name_ = std::exchange(other.private_name_, {});
  process_ = other.process_;
  return *this;
}

NewSegment::~NewSegment() {
  forget_private_name();
}

}  // namespace millrace
