#include "participant_file.hpp"

#include "millrace/core/descriptor.hpp"
#include "millrace/core/liveness.hpp"
#include "millrace/core/unique_number.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utility>

namespace millrace::detail {
namespace {

constexpr mode_t kFileMode = 0644;

std::uint64_t wall_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Field 22 of /proc/self/stat. The second field is a name that may hold blanks and brackets, so
// counting starts after the last bracket. 0 where proc is not readable.
std::uint64_t own_start_ticks() noexcept {
  std::array<char, 1024> text{};
  const Descriptor file(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
  const ssize_t got = file.valid() ? read(file.get(), text.data(), text.size()) : 0;
  std::string_view rest(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  rest.remove_prefix(std::min(rest.rfind(')'), rest.size()));
  for (int blanks = 0; blanks < 20; ++blanks) {
    const std::size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return 0;
    rest.remove_prefix(blank + 1);
  }
  std::uint64_t ticks = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
  return ticks;
}

std::uint64_t own_pid_namespace() noexcept {
  struct stat facts {};

  return stat("/proc/self/ns/pid", &facts) == 0 ? facts.st_ino : 0;
}

void fill_header(layout::SegmentHeader& header) noexcept {
  header.magic = layout::kMagic;
  header.format_major = layout::kFormatMajor;
  header.format_minor = layout::kFormatMinor;
  header.endianness = layout::kEndianness;
  header.fingerprint = layout::kParticipantFingerprint;
  header.kind = static_cast<std::uint32_t>(layout::FileKind::participant);
  header.page_bytes = kPageBytes;
  header.file_bytes = sizeof(layout::ParticipantFile);
  const Uuid boot = boot_id();
  std::copy(boot.begin(), boot.end(), header.boot_id);
}

// Space is taken now: a sparse file would turn a full tmpfs into SIGBUS later.
Result<Descriptor> make_unnamed(int domain_fd) {
  Descriptor file(openat(domain_fd, kParticipantsDirectory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_os(errno, "cannot make a file in %s/", kParticipantsDirectory);
  const int refused = posix_fallocate(file.get(), 0, sizeof(layout::ParticipantFile));
  if (refused != 0) {
    return fail_os(refused, "no room for the %zu bytes of a participant's file",
                   sizeof(layout::ParticipantFile));
  }
  // After the fact, because the umask takes bits away.
  if (fchmod(file.get(), kFileMode) == 0) return file;
  return fail_os(errno, "cannot set the mode of a participant's file");
}

Result<void> give_name(int domain_fd, const Descriptor& file, ParticipantName name) {
  std::array<char, 40> unnamed{};
  std::snprintf(unnamed.data(), unnamed.size(), "/proc/self/fd/%d", file.get());
  const std::string path = std::string(kParticipantsDirectory) + '/' + to_string(name);
  if (linkat(AT_FDCWD, unnamed.data(), domain_fd, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
  return fail_os(errno, "cannot link %s (is /proc mounted?)", path.c_str());
}

}  // namespace

SelfPortrait portray(std::string_view name, bool membarrier_registered) noexcept {
  SelfPortrait self{};
  layout::ParticipantFile& fields = self.fields;
  fill_header(fields.header);
  fields.pid = static_cast<std::uint32_t>(getpid());
  fields.flags = membarrier_registered ? layout::kMembarrierRegistered : 0;
  fields.start_ticks = own_start_ticks();
  fields.uid = geteuid();
  fields.pid_ns = own_pid_namespace();
  std::memcpy(fields.name, name.data(), std::min(name.size(), sizeof fields.name - 1));
  return self;
}

ParticipantFile::ParticipantFile(ParticipantName name, Mapping mapping, LifetimeLock lock) noexcept
    : name_(name), mapping_(std::move(mapping)), lock_(std::move(lock)) {}

Result<ParticipantFile> ParticipantFile::link(int domain_fd, std::uint32_t id,
                                              const SelfPortrait& self) {
  const Result<Descriptor> file = make_unnamed(domain_fd);
  if (!file) return std::unexpected(file.error());
  Result<Mapping> mapping = Mapping::of(file->get(), 0, sizeof self.fields, Access::write);
  if (!mapping) return std::unexpected(mapping.error());
  hide_from_forks_and_dumps(mapping->data(), mapping->size());
  const ParticipantName name{id, unique_number()};
  auto& bytes = *reinterpret_cast<layout::ParticipantFile*>(mapping->data());
  bytes = self.fields;
  bytes.id = id;
  bytes.incarnation = name.incarnation;
  bytes.header.creator_incarnation = name.incarnation;
  bytes.header.created_wall_ns = wall_ns();
  Result<LifetimeLock> lock = LifetimeLock::take_on(file->get());
  if (!lock) return std::unexpected(lock.error());
  const Result<void> named = give_name(domain_fd, *file, name);
  if (!named) return std::unexpected(named.error());
  return ParticipantFile(name, *std::move(mapping), *std::move(lock));
}

void ParticipantFile::unlink(int domain_fd) const noexcept {
  const std::string path = std::string(kParticipantsDirectory) + '/' + to_string(name_);
  unlinkat(domain_fd, path.c_str(), 0);
}

}  // namespace millrace::detail
