#include "scratch_file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace millrace {

Descriptor scratch_file(int directory_fd, bool direct) noexcept {
  constexpr unsigned kFileMode = 0600;
  const int flags = O_RDWR | O_CLOEXEC | (direct ? O_DIRECT : 0);
  Descriptor unnamed(openat(directory_fd, ".", flags | O_TMPFILE, kFileMode));
  if (unnamed.valid() || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) {
    return unnamed;
  }
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "scratch-%d", getpid());
  Descriptor named(openat(directory_fd, name.data(), flags | O_CREAT | O_EXCL, kFileMode));
  if (named.valid()) unlinkat(directory_fd, name.data(), 0);
  return named;
}

}  // namespace millrace
