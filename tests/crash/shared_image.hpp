// Everything that other processes can see of a domain: the names in it and the bytes of its files.
// Tells whether the last instruction of somebody changed any of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace millrace::crash {

class SharedImage {
 public:
  explicit SharedImage(std::filesystem::path directory);
  SharedImage(const SharedImage&) = delete;
  SharedImage& operator=(const SharedImage&) = delete;
  ~SharedImage();

  // Is a byte of a known file another than at the last call?
  bool bytes_changed();

  // Looks at the names again as well: only a system call can change them.
  bool names_changed();

 private:
  struct File {
    std::size_t bytes = 0;
    unsigned long inode = 0;
    void* mapped = nullptr;
    std::vector<std::byte> seen;
  };

  void forget(File& file) const;
  bool look_at(const std::filesystem::path& path);

  std::filesystem::path directory_;
  std::map<std::string, File> files_;
};

// The names below a directory, one a line and sorted, with every number that is only a matter of
// chance replaced.
std::string names_below(const std::filesystem::path& directory);

}  // namespace millrace::crash
