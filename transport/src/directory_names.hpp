// The names in a directory, one by one.
#pragma once

#include <cstring>
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
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") visit(name);
  }
  closedir(directory);
  return true;
}

}  // namespace millrace::detail
