// A file system of a test's own on a loop device, for what needs a certain kind of it: ext4, XFS,
// Btrfs, a size, a sector size, a backing directory that is too small. Needs root.
//
//   LoopMount disk({.type = "xfs", .bytes = 320 << 20});
//   if (!disk.ok()) GTEST_SKIP() << disk.why_not();
//   use(disk / "journal");
//
// It is mounted in a mount namespace that the test process moves to once, on a tmpfs over /mnt, and
// the backing file loses its name at once: so nothing is left behind, however the process ends.
// Children see the mount, because they inherit the namespace.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "support/child_process.hpp"
#include "support/disk_scratch.hpp"

#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/loop.h>
#include <memory>
#include <string>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace millrace::testing_support {

// Runs a program silently; its exit code, 127 if it is not there.
inline int run_silently(const std::vector<std::string>& command) {
  const pid_t child = fork();
  if (child == 0) {
    const int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    std::vector<char*> words;
    for (const std::string& word : command)
      words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execvp(words[0], words.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A tmpfs over /mnt that only this process and its children see; mount points are made in it.
inline bool private_mnt() {
  static const bool there = geteuid() == 0 && leave_mount_namespace() &&
                            mount("millrace-test", "/mnt", "tmpfs", 0, "size=64m") == 0;
  return there;
}

struct LoopOptions {
  std::string type = "ext4";  // "ext4", "xfs" (from 300 MiB), "btrfs" (from 110 MiB)
  std::uint64_t bytes = std::uint64_t{64} << 20;
  std::uint32_t sector_bytes = 512;
  std::string backing_directory{};  // empty: a scratch directory on a disk
};

class LoopMount {
 public:
  explicit LoopMount(const LoopOptions& options) : options_(options) { why_not_ = set_up(); }

  LoopMount(const LoopMount&) = delete;
  LoopMount& operator=(const LoopMount&) = delete;

  ~LoopMount() {
    if (mounted_) umount2(point_.c_str(), MNT_DETACH);
    if (!point_.empty()) rmdir(point_.c_str());
  }

  [[nodiscard]] bool ok() const noexcept { return why_not_.empty(); }

  [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }

  [[nodiscard]] const std::string& path() const noexcept { return point_; }

  [[nodiscard]] std::string operator/(const std::string& name) const { return point_ + "/" + name; }

  // "loop3"
  [[nodiscard]] const std::string& device() const noexcept { return device_; }

 private:
  // Empty, or why not.
  std::string set_up() {
    if (geteuid() != 0) return "only root may mount loop devices";
    if (!private_mnt()) return "a mount namespace of our own is refused here";
    const Descriptor backing = make_backing();
    if (!backing.valid()) return "no backing file: " + std::string(std::strerror(errno));
    const Descriptor loop = attach(backing.get());
    if (!loop.valid()) return "no loop device: " + std::string(std::strerror(errno));
    const int made = run_silently(mkfs());
    if (made == 127) return "mkfs." + options_.type + " is not installed";
    if (made != 0) return "mkfs." + options_.type + " failed with " + std::to_string(made);
    std::string point = "/mnt/loop-XXXXXX";
    if (mkdtemp(point.data()) == nullptr) return "no mount point";
    point_ = point;
    const std::string path = "/dev/" + device_;
    mounted_ = mount(path.c_str(), point_.c_str(), options_.type.c_str(), 0, nullptr) == 0;
    return mounted_ ? "" : "cannot mount " + options_.type + ": " + std::strerror(errno);
  }

  Descriptor make_backing() {
    if (options_.backing_directory.empty()) {
      scratch_ = std::make_unique<DiskScratch>();
      options_.backing_directory = scratch_->path().string();
    }
    std::string path = options_.backing_directory + "/loop-XXXXXX";
    Descriptor backing(mkostemp(path.data(), O_CLOEXEC));
    if (!backing.valid()) return backing;
    unlink(path.c_str());
    if (ftruncate(backing.get(), static_cast<off_t>(options_.bytes)) != 0) backing.close();
    return backing;
  }

  // Detached by the kernel when the last user closes it. Somebody else may take the free one first.
  Descriptor attach(int backing) {
    const Descriptor control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    for (int attempt = 0; attempt < 100 && control.valid(); ++attempt) {
      const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
      if (number < 0) break;
      device_ = "loop" + std::to_string(number);
      Descriptor loop(open(("/dev/" + device_).c_str(), O_RDWR | O_CLOEXEC));
      if (!loop.valid()) break;
      loop_config config{};
      config.fd = static_cast<__u32>(backing);
      config.block_size = options_.sector_bytes;
      config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
      if (ioctl(loop.get(), LOOP_CONFIGURE, &config) == 0) return loop;
      if (errno != EBUSY) break;
    }
    return {};
  }

  [[nodiscard]] std::vector<std::string> mkfs() const {
    const char* const force = options_.type == "ext4" ? "-F" : "-f";
    return {"mkfs." + options_.type, "-q", force, "/dev/" + device_};
  }

  LoopOptions options_;
  std::unique_ptr<DiskScratch> scratch_;
  std::string why_not_;
  std::string device_;
  std::string point_;
  bool mounted_ = false;
};

}  // namespace millrace::testing_support
