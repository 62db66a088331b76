#include "millrace/core/participant_repairs.hpp"

#include "millrace/core/descriptor.hpp"
#include "millrace/core/liveness.hpp"
#include "millrace/core/private_name.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { closedir(directory); }
};

std::string path_of(ParticipantName name) {
  return std::string(kParticipantsDirectory) + '/' + to_string(name);
}

// read, not mmap: an owner who truncates the file meanwhile gives a short copy and no SIGBUS.
bool read_whole(int fd, layout::ParticipantFile& copy) noexcept {
  auto* bytes = reinterpret_cast<std::byte*>(&copy);
  std::size_t have = 0;
  while (have < sizeof copy) {
    const ssize_t got = pread(fd, bytes + have, sizeof copy - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    have += static_cast<std::size_t>(got);
  }
  return true;
}

bool makes_sense(const layout::ParticipantFile& copy, ParticipantName name) noexcept {
  const layout::SegmentHeader& header = copy.header;
  return header.magic == layout::kMagic && header.format_major == layout::kFormatMajor &&
         header.endianness == layout::kEndianness &&
         header.fingerprint == layout::kParticipantFingerprint &&
         header.kind == static_cast<std::uint32_t>(layout::FileKind::participant) &&
         header.features_read == 0 && copy.id == name.id && copy.incarnation == name.incarnation;
}

layout::ParticipantFile assume_everything(ParticipantName name) noexcept {
  layout::ParticipantFile copy{};
  copy.id = name.id;
  copy.incarnation = name.incarnation;
  copy.repairs = layout::kRepairsKnown;
  return copy;
}

// A file under a private name, which its maker locks before it renames it. One that is not locked
// yet may have a living maker, who finds it gone and tries again.
bool abandoned(int directory_fd, const char* name) noexcept {
  const Descriptor file(
      openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  return file.valid() && detail::probe_open_file(file.get()).life == Life::dead;
}

// Calls `use` with the directory's descriptor and the name of each entry. No directory, no entries.
template <class Use>
Result<void> for_each_entry(int domain_fd, Use use) {
  Descriptor opened(
      openat(domain_fd, kParticipantsDirectory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened.valid()) {
    if (errno == ENOENT) return {};
    return fail_os(errno, "cannot open %s/ of the domain", kParticipantsDirectory);
  }
  const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(opened.get()));
  if (!directory) return fail_os(errno, "cannot list %s/", kParticipantsDirectory);
  const int directory_fd = opened.release();
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    use(directory_fd, entry->d_name);
    errno = 0;
  }
  if (errno != 0) return fail_os(errno, "cannot list %s/", kParticipantsDirectory);
  return {};
}

}  // namespace

bool repairs_complete(const layout::ParticipantFile& copy, const RepairCheck& check) {
  if (copy.repairs == 0) return true;
  if ((copy.repairs & ~layout::kRepairsKnown) != 0) return false;
  return check(copy);
}

bool nothing_registered(const layout::ParticipantFile& copy) noexcept {
  return copy.repairs == 0;
}

Result<layout::ParticipantFile> copy_participant(int domain_fd, ParticipantName name) {
  const std::string path = path_of(name);
  const Descriptor file(
      openat(domain_fd, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return fail_os(errno, "cannot open %s", path.c_str());

  struct stat facts {};

  if (fstat(file.get(), &facts) != 0) return fail_os(errno, "cannot look at %s", path.c_str());
  layout::ParticipantFile copy;
  if (!S_ISREG(facts.st_mode) || !read_whole(file.get(), copy) || !makes_sense(copy, name)) {
    return fail(Errc::format,
                "%s is not a participant's file of this version: it was damaged, or "
                "made by another version",
                path.c_str());
  }
  return copy;
}

bool removable(int domain_fd, ParticipantName name, const RepairCheck& check) {
  // Dead first, then the copy: [sync:repairs] a dead participant's bytes do not change any more,
  // and the kernel's release of its lock, seen by the probe, orders all of them before this read.
  if (probe(domain_fd, name).life == Life::alive) return false;
  const Result<layout::ParticipantFile> copy = copy_participant(domain_fd, name);
  if (copy) return repairs_complete(*copy, check);
  if (copy.error().os_error() == ENOENT) return true;
  if (copy.error().code() == Errc::format) {
    return repairs_complete(assume_everything(name), check);
  }
  return false;
}

std::size_t remove_dead_participants(int domain_fd, const RepairCheck& check) {
  std::size_t removed = 0;
  const Result<void> read = for_each_entry(domain_fd, [&](int directory_fd, const char* entry) {
    const std::optional<ParticipantName> name = parse_participant_name(entry);
    const bool finished = name.has_value();
    if (!finished && !parse_private_name(entry)) return;
    if (finished ? !removable(domain_fd, *name, check) : !abandoned(directory_fd, entry)) return;
    if (unlinkat(directory_fd, entry, 0) == 0) ++removed;
  });
  static_cast<void>(read);  // what cannot be read cannot be removed
  return removed;
}

Result<std::vector<ParticipantName>> participant_names(int domain_fd) {
  std::vector<ParticipantName> names;
  const Result<void> read = for_each_entry(domain_fd, [&](int, const char* entry) {
    if (const auto name = parse_participant_name(entry)) names.push_back(*name);
  });
  if (!read) return std::unexpected(read.error());
  return names;
}

Probe probe_incarnation(int domain_fd, std::uint64_t incarnation) {
  const Result<std::vector<ParticipantName>> names = participant_names(domain_fd);
  if (!names) return {Life::alive, true, names.error().os_error()};
  for (const ParticipantName name : *names) {
    if (name.incarnation == incarnation) return probe(domain_fd, name);
  }
  return detail::judge_missing_file(domain_fd);
}

}  // namespace millrace
