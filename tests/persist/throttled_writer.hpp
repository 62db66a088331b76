// Makes a device slow for one process, through the block controller of cgroups (version 1 or 2), so
// that its writes are in flight for a time that one can see. The group goes with the object.
#pragma once

#include "support/loop_mount.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace millrace::testing_support {

class Throttle {
 public:
  // At most `bytes_per_second` are written to "loop3" by whoever enters.
  Throttle(const std::string& device, std::uint64_t bytes_per_second) {
    std::ifstream numbers("/sys/block/" + device + "/dev");
    std::string number;
    numbers >> number;
    const std::string rate = std::to_string(bytes_per_second);

    struct Version {
      const char* root;
      const char* file;
      std::string line;
    };

    const std::array versions{
        Version{"/sys/fs/cgroup/blkio", "blkio.throttle.write_bps_device", number + " " + rate},
        Version{"/sys/fs/cgroup", "io.max", number + " wbps=" + rate},
    };
    for (const Version& version : versions) {
      group_ = std::string(version.root) + "/millrace-test-" + std::to_string(getpid());
      std::error_code refused;
      if (!std::filesystem::create_directory(group_, refused) || refused) continue;
      std::ofstream file(group_ + "/" + version.file);
      file << version.line << std::flush;
      if (file.good()) return;
      rmdir(group_.c_str());
    }
    group_.clear();
  }

  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;

  ~Throttle() {
    if (!group_.empty()) rmdir(group_.c_str());
  }

  [[nodiscard]] bool ok() const noexcept { return !group_.empty(); }

  [[nodiscard]] static const char* why_not() noexcept {
    return "the block controller of cgroups is not ours to use";
  }

  // The calling process, from here on.
  [[nodiscard]] bool enter() const {
    std::ofstream file(group_ + "/cgroup.procs");
    file << getpid() << std::flush;
    return file.good();
  }

 private:
  std::string group_;
};

}  // namespace millrace::testing_support
