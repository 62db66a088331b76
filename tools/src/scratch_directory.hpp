// A directory of a verb's own, under a name that nobody else has, which is gone at the end with
// everything in it.
//
// One thread.
#pragma once

#include "millrace/core/result.hpp"

#include <cerrno>
#include <filesystem>
#include <stdlib.h>
#include <string>
#include <system_error>
#include <utility>

namespace millrace::tools {

class Scratch {
 public:
  // Makes PREFIXabcdef, mode 0700. Its parent must be there.
  [[nodiscard]] static Result<Scratch> make(const std::string& prefix) {
    std::string path = prefix + "XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      return fail_os(errno, "cannot make a directory %s", path.c_str());
    }
    return Scratch(std::move(path));
  }

  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}

  Scratch& operator=(Scratch&&) = delete;

  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace millrace::tools
