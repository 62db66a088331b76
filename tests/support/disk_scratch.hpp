// A directory of a test's own on a real disk (ScratchDirectory is memory), removed with everything
// in it when the test ends: under $TMPDIR or /tmp, else under the current directory, whichever is
// not memory. Where all are, path() is empty and the test skips itself.
#pragma once

#include <array>
#include <filesystem>
#include <linux/magic.h>
#include <stdlib.h>
#include <string>
#include <sys/vfs.h>
#include <system_error>

namespace millrace::testing_support {

class DiskScratch {
 public:
  DiskScratch() {
    std::error_code ignored;
    const std::array roots{std::filesystem::temp_directory_path(ignored),
                           std::filesystem::current_path(ignored)};
    for (const auto& root : roots) {
      if (!is_disk(root)) continue;
      std::string text = (root / "millrace-test-XXXXXX").string();
      if (mkdtemp(text.data()) == nullptr) continue;
      path_ = text;
      return;
    }
  }

  DiskScratch(const DiskScratch&) = delete;
  DiskScratch& operator=(const DiskScratch&) = delete;

  ~DiskScratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }

  // Whether a journal may be kept there without more ado.
  static bool is_disk(const std::filesystem::path& where) {
    struct statfs facts {};

    if (statfs(where.c_str(), &facts) != 0) return false;
    return facts.f_type == EXT4_SUPER_MAGIC || facts.f_type == XFS_SUPER_MAGIC;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace millrace::testing_support
