#include "scratch.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace millrace::bench {

Result<Scratch> Scratch::make(const std::string& under) {
  std::error_code ignored;
  std::filesystem::path base = under;
  if (under.empty()) {
    base = std::filesystem::is_directory("/dev/shm", ignored)
               ? std::filesystem::path("/dev/shm")
               : std::filesystem::temp_directory_path(ignored);
  }
  std::string path = (base / "millrace-bench-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr)
    return fail_os(errno, "cannot make a directory in %s", base.c_str());
  return Scratch(std::move(path));
}

Scratch::~Scratch() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace millrace::bench
