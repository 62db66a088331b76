// The file that carries a domain's calibration: whoever comes first makes it, everybody else copies
// it. It gets its name only when it is complete, and never changes afterwards.
#include "clock_calibration.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/descriptor.hpp"
#include "millrace/core/limits.hpp"
#include "millrace/core/unique_number.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace {
namespace {

using layout::ClockFile;

// For sentences only: a directory that was removed meanwhile still has a readable link.
struct DirectoryName {
  explicit DirectoryName(int domain_fd) noexcept {
    char link[32];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", domain_fd);
    if (::readlink(link, text, sizeof text - 1) <= 0) std::strcpy(text, "the domain");
  }

  char text[256] = {};
};

// CLOCK_MONOTONIC differs between time namespaces, so each has a calibration of its own.
std::uint64_t time_namespace() noexcept {
  struct stat status {};

  return ::stat("/proc/self/ns/time", &status) == 0 ? status.st_ino : 0;
}

layout::SegmentHeader make_header() noexcept {
  layout::SegmentHeader header{};
  header.magic = layout::kMagic;
  header.format_major = layout::kFormatMajor;
  header.format_minor = layout::kFormatMinor;
  header.endianness = layout::kEndianness;
  header.fingerprint = layout::kClockFingerprint;
  header.kind = static_cast<std::uint32_t>(layout::FileKind::clock);
  header.page_bytes = kPageBytes;
  header.file_bytes = sizeof(ClockFile);
  const Uuid boot = boot_id();
  std::memcpy(header.boot_id, boot.data(), boot.size());
  header.created_wall_ns = wall_ns();
  return header;
}

// What is wrong with a header, null if nothing is.
const char* complaint_about_header(const layout::SegmentHeader& header) noexcept {
  const Uuid boot = boot_id();
  if (header.magic != layout::kMagic) return "it does not begin with MILLRACE";
  if (header.endianness != layout::kEndianness) return "it has another byte order";
  if (header.format_major != layout::kFormatMajor) return "it has another format version";
  if (header.kind != static_cast<std::uint32_t>(layout::FileKind::clock)) return "it is no clock";
  if (header.fingerprint != layout::kClockFingerprint) return "it has another layout";
  if (header.features_read != 0) return "it needs features this version does not know";
  if (header.file_bytes != sizeof(ClockFile)) return "its length is not the one it states";
  if (std::memcmp(header.boot_id, boot.data(), boot.size()) != 0) return "it is of another boot";
  return nullptr;
}

// Only numbers that every formula of Clock survives. 1 ps to 10 us a tick is 100 kHz to 1 THz.
const char* complaint_about_rate(const ClockFile& file) noexcept {
  constexpr std::uint64_t kNsPerTickMax = 10'000;
  constexpr std::uint64_t kTicksPerNsMax = 1'000;
  if (file.time_ns != time_namespace()) return "it is of another time namespace";
  if (file.shift > 63) return "its shift is impossible";
  if (file.mult == 0) return "its rate is 0";
  const std::uint64_t one = std::uint64_t{1} << file.shift;
  if (file.mult >> file.shift >= kNsPerTickMax) return "its rate is impossibly slow";
  if (file.mult < one / kTicksPerNsMax) return "its rate is impossibly fast";
  switch (static_cast<ClockSource>(file.source)) {
    case ClockSource::tsc: return nullptr;
    case ClockSource::monotonic:
      if (file.mult != one || file.base_ticks != file.base_monotonic_ns) {
        return "its ticks are nanoseconds, but its rate says otherwise";
      }
      return nullptr;
  }
  return "it counts ticks this version does not know";
}

// The copy that is checked is the copy that is used: whoever may write the file can change it, or
// cut it off, at any moment.
Result<ClockFile> read_file(int fd, const char* directory, const char* name) {
  struct stat status {};

  if (::fstat(fd, &status) != 0) return fail_os(errno, "cannot look at %s/%s", directory, name);
  ClockFile file{};
  const char* complaint = nullptr;
  if (!S_ISREG(status.st_mode)) {
    complaint = "it is not a regular file";
  } else {
    const ssize_t length = ::pread(fd, &file, sizeof file, 0);
    if (length < 0) return fail_os(errno, "cannot read %s/%s", directory, name);
    if (static_cast<std::size_t>(length) != sizeof file) complaint = "it is cut off";
  }
  if (complaint == nullptr) complaint = complaint_about_header(file.header);
  if (complaint == nullptr) complaint = complaint_about_rate(file);
  if (complaint == nullptr) return file;
  return fail(Errc::format,
              "the clock calibration %s/%s cannot be used: %s; remove it once no process uses the "
              "domain, and the next one makes a new one",
              directory, name, complaint);
}

int write_all(int fd, const ClockFile& file) noexcept {
  const ssize_t length = ::pwrite(fd, &file, sizeof file, 0);
  if (length < 0) return errno;
  if (static_cast<std::size_t>(length) != sizeof file) return ENOSPC;
  return ::fchmod(fd, 0644) == 0 ? 0 : errno;  // whatever the umask says, everybody may read it
}

// 0, or an errno; EEXIST when somebody else was first.
int link_unnamed(int domain_fd, const char* name, const ClockFile& file) noexcept {
  const Descriptor fd(::openat(domain_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) return errno;
  if (const int refused = write_all(fd.get(), file); refused != 0) return refused;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd.get());
  return ::linkat(AT_FDCWD, path, domain_fd, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

// The same where the file system knows no unnamed files, or /proc is not there to name them by.
int rename_private(int domain_fd, const char* name, const ClockFile& file) noexcept {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) return EAGAIN;
  char own[48];
  std::snprintf(own, sizeof own, ".clock-%016llx", static_cast<unsigned long long>(random));
  const Descriptor fd(::openat(domain_fd, own, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return errno;
  int refused = write_all(fd.get(), file);
  if (refused == 0 && ::renameat2(domain_fd, own, domain_fd, name, RENAME_NOREPLACE) != 0) {
    refused = errno;
  }
  if (refused != 0) ::unlinkat(domain_fd, own, 0);
  return refused;
}

int publish(int domain_fd, const char* name, const ClockFile& file) noexcept {
  const int refused = link_unnamed(domain_fd, name, file);
  switch (refused) {
    case EOPNOTSUPP:
    case EISDIR:
    case EINVAL:
    case ENOENT: return rename_private(domain_fd, name, file);
    default: return refused;
  }
}

bool may_not_write(int os_error) noexcept {
  return os_error == EACCES || os_error == EPERM || os_error == EROFS;
}

}  // namespace

std::array<char, 64> Clock::file_name() {
  const Uuid boot = boot_id();
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "clock-%02x%02x%02x%02x-%llu", boot[0], boot[1], boot[2],
                boot[3], static_cast<unsigned long long>(time_namespace()));
  return name;
}

Result<Clock> Clock::open(int domain_fd) {
  const std::array<char, 64> name = file_name();
  const DirectoryName directory(domain_fd);
  // Twice at most: not there, made by somebody else meanwhile, there. A third time means that
  // somebody keeps removing it.
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    // O_NONBLOCK, because opening a named pipe somebody left there would wait for ever.
    constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    const Descriptor fd(::openat(domain_fd, name.data(), kFlags));
    if (fd.valid()) {
      const Result<ClockFile> file = read_file(fd.get(), directory.text, name.data());
      if (!file) return std::unexpected(file.error());
      return Clock(*file, true);
    }
    if (errno != ENOENT) return fail_os(errno, "cannot open %s/%s", directory.text, name.data());
    ClockFile made = detail::calibrate();
    made.header = make_header();
    made.time_ns = time_namespace();
    const int refused = publish(domain_fd, name.data(), made);
    if (refused == 0) return Clock(made, true);
    if (may_not_write(refused)) return local();
    if (refused != EEXIST) {
      return fail_os(refused, "cannot make %s/%s", directory.text, name.data());
    }
  }
  return fail(Errc::busy, "%s/%s is removed as fast as it is made: is another `clean` running?",
              directory.text, name.data());
}

}  // namespace millrace
