#include "millrace/core/segment.hpp"

#include "millrace/core/unique_number.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace millrace {
namespace {

using layout::SegmentHeader;

unsigned long long wide(std::uint64_t number) noexcept {
  return number;
}

const char* kind_name(std::uint32_t kind) noexcept {
  switch (static_cast<layout::FileKind>(kind)) {
    case layout::FileKind::participant: return "participant";
    case layout::FileKind::meta: return "channel description";
    case layout::FileKind::lane: return "lane";
    case layout::FileKind::reader: return "reader";
    case layout::FileKind::doorbell: return "doorbell";
    case layout::FileKind::clock: return "clock";
    case layout::FileKind::lane_data: return "lane data";
    case layout::FileKind::journal: return "channel journal";
    case layout::FileKind::remembered: return "remembered places";
    case layout::FileKind::order: return "order ring";
    case layout::FileKind::stamps: return "flight recorder";
  }
  return "unknown";
}

const char* type_name(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return "directory";
  if (S_ISLNK(mode)) return "symbolic link";
  if (S_ISFIFO(mode)) return "named pipe";
  if (S_ISSOCK(mode)) return "socket";
  return "device";
}

Failure wrong_type(const char* name, mode_t mode) noexcept {
  return fail(Errc::format, "%.80s is a %s where a file of Millrace was expected: remove it", name,
              type_name(mode));
}

Result<void> check_origin(const char* name, const SegmentHeader& header) noexcept {
  if (header.magic == __builtin_bswap64(layout::kMagic)) {
    return fail(Errc::format, "%.80s was made by a machine of the other byte order (magic)", name);
  }
  if (header.magic != layout::kMagic) {
    return fail(Errc::format, "%.80s is not a file of Millrace: its magic is %016llx", name,
                wide(header.magic));
  }
  if (header.endianness != layout::kEndianness) {
    return fail(Errc::format, "%.80s has endianness %08x, this machine %08x", name,
                header.endianness, layout::kEndianness);
  }
  if (header.format_major != layout::kFormatMajor) {
    return fail(Errc::format,
                "%.80s was made by format %u.%u, this is %u.%u: use the version of Millrace that "
                "made it, or end its users and remove it (millrace clean)",
                name, unsigned{header.format_major}, unsigned{header.format_minor},
                unsigned{layout::kFormatMajor}, unsigned{layout::kFormatMinor});
  }
  return {};
}

Result<void> check_layout(const char* name, const SegmentHeader& header,
                          const SegmentExpectation& expected) noexcept {
  if (header.kind != static_cast<std::uint32_t>(expected.kind)) {
    return fail(Errc::format, "%.80s is a file of kind %u (%s), expected was %u (%s)", name,
                header.kind, kind_name(header.kind), static_cast<std::uint32_t>(expected.kind),
                kind_name(static_cast<std::uint32_t>(expected.kind)));
  }
  if (header.fingerprint != expected.fingerprint) {
    return fail(Errc::format,
                "%.80s has layout fingerprint %016llx, this program %016llx: both must come from "
                "the same version of Millrace",
                name, wide(header.fingerprint), wide(expected.fingerprint));
  }
  if (header.page_bytes != expected.page_bytes) {
    return fail(Errc::format, "%.80s was laid out for page_bytes %u, this program expects %u", name,
                header.page_bytes, expected.page_bytes);
  }
  return {};
}

Result<void> check_features(const char* name, const SegmentHeader& header, Access access) noexcept {
  if (const std::uint64_t unknown = header.features_read & ~kFeaturesReadKnown; unknown != 0) {
    return fail(Errc::format,
                "%.80s uses features_read %#llx that this version does not know: use a newer one",
                name, wide(unknown));
  }
  const std::uint64_t unknown = header.features_write & ~kFeaturesWriteKnown;
  if (unknown != 0 && access == Access::write) {
    return fail(Errc::format,
                "%.80s uses features_write %#llx that this version does not know: it can only be "
                "read here; use a newer version to write",
                name, wide(unknown));
  }
  return {};
}

Result<void> check_sizes(const char* name, const SegmentHeader& header, std::uint64_t bytes_now,
                         const SegmentExpectation& expected) noexcept {
  if (header.file_bytes < expected.bytes_min) {
    return fail(Errc::format, "%.80s says file_bytes %llu, at least %llu were expected", name,
                wide(header.file_bytes), wide(expected.bytes_min));
  }
  if (header.file_bytes > expected.bytes_max) {
    return fail(Errc::format, "%.80s says file_bytes %llu, at most %llu were expected", name,
                wide(header.file_bytes), wide(expected.bytes_max));
  }
  if (bytes_now < header.file_bytes) {
    return fail(Errc::format, "%.80s is cut off: %llu bytes of file_bytes %llu are left", name,
                wide(bytes_now), wide(header.file_bytes));
  }
  if (header.data_bytes > header.file_bytes) {
    return fail(Errc::format, "%.80s says data_bytes %llu in a file of %llu", name,
                wide(header.data_bytes), wide(header.file_bytes));
  }
  return {};
}

Result<void> check(const char* name, const SegmentHeader& header, std::uint64_t bytes_now,
                   const SegmentExpectation& expected, Access access) noexcept {
  if (auto fine = check_origin(name, header); !fine) return fine;
  if (auto fine = check_layout(name, header, expected); !fine) return fine;
  if (auto fine = check_features(name, header, access); !fine) return fine;
  return check_sizes(name, header, bytes_now, expected);
}

// What forbids it is in the file, so the sentence says it.
Failure refused_open(int directory_fd, const char* name, Access access, int refused) noexcept {
  struct stat status {};

  const bool seen = fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (seen && !S_ISREG(status.st_mode)) return wrong_type(name, status.st_mode);
  if (seen && (refused == EACCES || refused == EPERM)) {
    return fail(Errc::no_permission,
                "%.80s belongs to user %u and group %u with mode %04o, and this is user %u: it may "
                "not be opened to %s: run as its owner or join its group",
                name, status.st_uid, status.st_gid, status.st_mode & 07777U, geteuid(),
                access == Access::write ? "write" : "read");
  }
  return fail_os(refused, "cannot open %.80s", name);
}

// The header is read, not looked at through a mapping: its owner may cut the file off meanwhile,
// and a short read is an error where a touched page would be a signal.
Result<SegmentHeader> read_header(int fd, const char* name) noexcept {
  SegmentHeader header{};
  ssize_t got = 0;
  do {
    got = pread(fd, &header, sizeof header, 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail_os(errno, "cannot read %.80s", name);
  if (got != static_cast<ssize_t>(sizeof header)) {
    return fail(Errc::format, "%.80s has %zd bytes, too few for a header of %zu", name, got,
                sizeof header);
  }
  return header;
}

}  // namespace

Result<Segment> Segment::open(int directory_fd, const char* name,
                              const SegmentExpectation& expected, Access access) {
  // O_NONBLOCK: a named pipe that somebody put here must not make us wait.
  const int rights = access == Access::write ? O_RDWR : O_RDONLY;
  Descriptor file(
      openat(directory_fd, name, rights | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return refused_open(directory_fd, name, access, errno);

  struct stat status {};

  if (fstat(file.get(), &status) != 0) return fail_os(errno, "cannot look at %.80s", name);
  if (!S_ISREG(status.st_mode)) return wrong_type(name, status.st_mode);
  const auto header = read_header(file.get(), name);
  if (!header) return std::unexpected(header.error());
  const auto bytes_now = static_cast<std::uint64_t>(status.st_size);
  if (auto fine = check(name, *header, bytes_now, expected, access); !fine) {
    return std::unexpected(fine.error());
  }
  auto mapping = Mapping::of(file.get(), 0, header->file_bytes, access);
  if (!mapping) return std::unexpected(mapping.error());
  if (header->data_bytes > 0) hide_from_forks_and_dumps(mapping->data(), mapping->size());
  Segment opened;
  opened.header_ = *header;
  opened.fd_ = std::move(file);
  opened.mapping_ = std::move(*mapping);
  opened.access_ = access;
  return opened;
}

bool Segment::of_this_boot() const noexcept {
  const Uuid now = boot_id();
  return now != Uuid{} && std::memcmp(now.data(), header_.boot_id, now.size()) == 0;
}

bool Segment::unlinked() const noexcept {
  struct stat status {};

  return fstat(fd_.get(), &status) == 0 && status.st_nlink == 0;
}

std::uint64_t Segment::bytes_now() const noexcept {
  struct stat status {};

  return fstat(fd_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace millrace
