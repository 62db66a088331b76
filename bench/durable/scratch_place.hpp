// A directory for one run of one entrant, removed at the end of its life.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace millrace::bench {

class ScratchPlace {
 public:
  explicit ScratchPlace(const std::string& under) {
    static std::atomic<unsigned> number{0};
    path_ = under + "/" + std::to_string(getpid()) + "-" + std::to_string(number++);
    std::filesystem::create_directories(path_);
  }

  ScratchPlace(const ScratchPlace&) = delete;
  ScratchPlace& operator=(const ScratchPlace&) = delete;

  ~ScratchPlace() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace millrace::bench
