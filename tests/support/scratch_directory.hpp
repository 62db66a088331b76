// A directory of a test's own in shared memory, removed with everything in it when the test ends.
#pragma once

#include "millrace/core/descriptor.hpp"

#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <iterator>
#include <stdlib.h>
#include <string>
#include <system_error>

namespace millrace::testing_support {

class ScratchDirectory {
 public:
  // Under /dev/shm, or where there is none under $TMPDIR or /tmp.
  ScratchDirectory() {
    std::error_code ignored;
    const bool shared = std::filesystem::is_directory("/dev/shm", ignored);
    path_ = (shared ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
            "millrace-test-XXXXXX";
    std::string text = path_.string();
    if (mkdtemp(text.data()) != nullptr) path_ = text;
    fd_ = Descriptor(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }

  // Entries, private names included.
  [[nodiscard]] std::size_t entries() const {
    const std::filesystem::directory_iterator begin(path_);
    return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }

 private:
  std::filesystem::path path_;
  Descriptor fd_;
};

}  // namespace millrace::testing_support
