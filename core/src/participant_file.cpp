#include "participant_file.hpp"

#include "millrace/core/descriptor.hpp"
#include "millrace/core/kernel_text.hpp"
#include "millrace/core/segment.hpp"
#include "millrace/core/unique_number.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace millrace::detail {
namespace {

constexpr std::uint32_t kFileMode = 0644;

std::uint64_t own_pid_namespace() noexcept {
  struct stat facts {};

  return stat("/proc/self/ns/pid", &facts) == 0 ? facts.st_ino : 0;
}

// The directory is opened for each file: where unnamed files are refused, NewSegment needs it.
Result<Descriptor> open_participants(int domain_fd) {
  Descriptor directory(
      openat(domain_fd, kParticipantsDirectory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (directory.valid()) return directory;
  if (errno == ENOENT) {
    return fail(Errc::not_found, "the domain has no %s/, or was removed", kParticipantsDirectory);
  }
  return fail_os(errno, "cannot open %s/ of the domain", kParticipantsDirectory);
}

SegmentPlan plan_of(ParticipantName name) noexcept {
  SegmentPlan plan;
  plan.kind = layout::FileKind::participant;
  plan.fingerprint = layout::kParticipantFingerprint;
  plan.file_bytes = sizeof(layout::ParticipantFile);
  plan.mode = kFileMode;
  plan.creator_incarnation = name.incarnation;
  return plan;
}

// All but the header, which the segment has written.
void fill(layout::ParticipantFile& bytes, const SelfPortrait& self, ParticipantName name) noexcept {
  const layout::SegmentHeader header = bytes.header;
  bytes = self.fields;
  bytes.header = header;
  bytes.id = name.id;
  bytes.incarnation = name.incarnation;
}

}  // namespace

SelfPortrait portray(std::string_view name, bool membarrier_registered) {
  SelfPortrait self{};
  layout::ParticipantFile& fields = self.fields;
  fields.pid = static_cast<std::uint32_t>(getpid());
  fields.flags = membarrier_registered ? layout::kMembarrierRegistered : 0;
  fields.start_ticks = start_ticks("/proc/self/stat");
  fields.uid = geteuid();
  fields.pid_ns = own_pid_namespace();
  std::memcpy(fields.name, name.data(), std::min(name.size(), sizeof fields.name - 1));
  return self;
}

ParticipantFile::ParticipantFile(ParticipantName name, Mapping mapping, LifetimeLock lock) noexcept
    : name_(name), mapping_(std::move(mapping)), lock_(std::move(lock)) {}

Result<ParticipantFile> ParticipantFile::link(int domain_fd, std::uint32_t id,
                                              const SelfPortrait& self) {
  const Result<Descriptor> directory = open_participants(domain_fd);
  if (!directory) return std::unexpected(directory.error());
  const ParticipantName name{id, unique_number()};
  Result<NewSegment> segment = NewSegment::create(directory->get(), plan_of(name));
  if (!segment) return std::unexpected(segment.error());
  fill(*reinterpret_cast<layout::ParticipantFile*>(segment->data()), self, name);
  // Now, because the lock opens the file once more, and the umask may forbid that to its own maker.
  if (fchmod(segment->fd(), kFileMode) != 0) {
    return fail_os(errno, "cannot set the mode of a participant's file");
  }
  Result<LifetimeLock> lock = LifetimeLock::take_on(segment->fd());
  if (!lock) return std::unexpected(lock.error());
  const Result<void> named = segment->link(directory->get(), to_string(name).c_str());
  if (!named) return std::unexpected(named.error());
  hide_from_forks_and_dumps(segment->data(), segment->size());
  return ParticipantFile(name, segment->release_mapping(), *std::move(lock));
}

void ParticipantFile::unlink(int domain_fd) const noexcept {
  const std::string path = std::string(kParticipantsDirectory) + '/' + to_string(name_);
  unlinkat(domain_fd, path.c_str(), 0);
}

}  // namespace millrace::detail
