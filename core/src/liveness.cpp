#include "millrace/core/liveness.hpp"

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace {
namespace {

Probe no_proof(int os_error) noexcept {
  return {Life::alive, true, os_error};
}

// Removing a domain (rm -rf, RemoveIPC at logout) unlinks the files of processes that still run.
bool stands(int domain_fd, const char* path) noexcept {
  struct stat facts {};

  return fstatat(domain_fd, path, &facts, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(facts.st_mode) && facts.st_nlink > 0;
}

}  // namespace

Probe detail::judge_missing_file(int domain_fd) noexcept {
  if (!stands(domain_fd, "") || !stands(domain_fd, kParticipantsDirectory)) {
    return no_proof(ENOENT);
  }
  return {Life::dead, false, 0};
}

Probe probe(int domain_fd, ParticipantName name) noexcept {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "%s/%" PRIu32 ".%016" PRIx64, kParticipantsDirectory,
                name.id, name.incarnation);
  const int fd =
      openat(domain_fd, path.data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return errno == ENOENT ? detail::judge_missing_file(domain_fd) : no_proof(errno);
  const Probe answer = detail::probe_open_file(fd);
  close(fd);
  return answer;
}

Probe detail::probe_open_file(int fd) noexcept {
  struct flock whole {};

  whole.l_type = F_RDLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd, F_OFD_GETLK, &whole) != 0) return no_proof(errno);
  return {whole.l_type == F_UNLCK ? Life::dead : Life::alive, false, 0};
}

}  // namespace millrace
