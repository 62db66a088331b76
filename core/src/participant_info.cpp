#include "millrace/core/participant_info.hpp"

#include "millrace/core/descriptor.hpp"
#include "millrace/core/participant_repairs.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace {
namespace {

// Names go to terminals: no control characters, whatever the owner wrote.
std::string printable(const char* text, std::size_t bytes_max) {
  std::string clean;
  for (std::size_t at = 0; at < bytes_max && text[at] != '\0'; ++at) {
    const bool visible = text[at] >= ' ' && text[at] <= '~';
    clean.push_back(visible ? text[at] : '?');
  }
  return clean;
}

std::uint64_t own_pid_namespace() noexcept {
  struct stat facts {};

  return stat("/proc/self/ns/pid", &facts) == 0 ? facts.st_ino : 0;
}

void fill(ParticipantInfo& info, const layout::ParticipantFile& copy) {
  const std::uint64_t own = own_pid_namespace();
  info.name = printable(copy.name, sizeof copy.name);
  info.pid = copy.pid;
  info.start_ticks = copy.start_ticks;
  info.flags = copy.flags;
  info.repairs = copy.repairs;
  info.probe_errors = copy.probe_errors;
  info.left = copy.left != 0;
  info.same_pid_namespace = own != 0 && copy.pid_ns == own;
  info.intact = true;
}

// An error only if there is nothing at all to say.
Result<ParticipantInfo> look_at(int domain_fd, ParticipantName name) {
  struct stat facts {};

  const std::string path = std::string(kParticipantsDirectory) + '/' + to_string(name);
  if (fstatat(domain_fd, path.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_os(errno, "there is no participant %s", to_string(name).c_str());
  }
  ParticipantInfo info;
  info.id = name;
  info.uid = facts.st_uid;
  info.probe = probe(domain_fd, name);
  return info;
}

}  // namespace

Result<ParticipantInfo> describe(int domain_fd, ParticipantName name) {
  Result<ParticipantInfo> info = look_at(domain_fd, name);
  if (!info) return info;
  const Result<layout::ParticipantFile> copy = copy_participant(domain_fd, name);
  if (!copy) return std::unexpected(copy.error());
  fill(*info, *copy);
  return info;
}

std::vector<ParticipantInfo> list_participants(int domain_fd) {
  std::vector<ParticipantInfo> everybody;
  Result<std::vector<ParticipantName>> names = participant_names(domain_fd);
  if (!names) return everybody;
  std::ranges::sort(*names);
  for (const ParticipantName name : *names) {
    Result<ParticipantInfo> info = look_at(domain_fd, name);
    if (!info) continue;  // it left meanwhile
    if (const auto copy = copy_participant(domain_fd, name)) fill(*info, *copy);
    everybody.push_back(*std::move(info));
  }
  return everybody;
}

}  // namespace millrace
