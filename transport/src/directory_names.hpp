// The names in a directory, one by one.
#pragma once

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace millrace::detail {

// Calls visit(name) for every entry but "." and "..". False if the directory cannot be read.
template <class Visit>
bool for_each_name(int directory_fd, Visit&& visit) {
  const int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  DIR* const directory = fdopendir(fd);
  if (directory == nullptr) {
    close(fd);
    return false;
  }
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") visit(name);
    errno = 0;
  }
  const bool complete = errno == 0;
  closedir(directory);
  return complete;
}

}  // namespace millrace::detail
