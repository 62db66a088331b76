#include "crashtest_loop.hpp"

#include "millrace/core/descriptor.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace millrace::tools {
namespace {

// From the kernel's ext4.h, which no header of user space repeats.
constexpr unsigned long kExt4Shutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kNoLogFlush = 2;  // not even its own log: as when the power goes

// A killed process's last requests keep the mount busy for a moment.
constexpr int kAttempts = 500;
constexpr std::chrono::milliseconds kBetween{20};

Failure unsupported(const char* what, int error) {
  return fail(Errc::unsupported, "power cannot be cut here: %s%s%s", what, error == 0 ? "" : ": ",
              error == 0 ? "" : std::strerror(error));
}

Result<void> make_file_system(const std::string& image) {
  std::array<const char*, 5> words{"mkfs.ext4", "-q", "-F", image.c_str(), nullptr};
  pid_t child = 0;
  const int refused = posix_spawnp(&child, words[0], nullptr, nullptr,
                                   const_cast<char* const*>(words.data()), environ);
  if (refused != 0) return unsupported("mkfs.ext4 (package e2fsprogs) cannot be run", refused);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return unsupported("mkfs.ext4 failed", 0);
}

// A loop device over the image, which goes away with its last user.
Result<Descriptor> attach(const std::string& image, std::string& device) {
  const Descriptor control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  const Descriptor file(open(image.c_str(), O_RDWR | O_CLOEXEC));
  if (!control.valid() || !file.valid()) return unsupported("no loop devices", errno);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return unsupported("no loop device is free", errno);
    device = "/dev/loop" + std::to_string(number);
    Descriptor loop(open(device.c_str(), O_RDWR | O_CLOEXEC));
    if (!loop.valid()) return unsupported("a loop device cannot be opened", errno);
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (ioctl(loop.get(), LOOP_CONFIGURE, &config) == 0) return loop;
    // Somebody else was faster.
    if (errno != EBUSY) return unsupported("a loop device cannot be set up", errno);
  }
  return unsupported("no loop device stays free", 0);
}

}  // namespace

LoopPower::LoopPower(LoopPower&& other) noexcept
    : image_(std::exchange(other.image_, {})),
      mount_point_(std::exchange(other.mount_point_, {})) {}

LoopPower::~LoopPower() {
  if (image_.empty()) return;
  static_cast<void>(unmount());
  rmdir(mount_point_.c_str());
  unlink(image_.c_str());
}

Result<LoopPower> LoopPower::make(const std::string& directory, std::uint64_t bytes) {
  if (geteuid() != 0) return unsupported("only root may mount", 0);
  if (unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return unsupported("mounts are forbidden", errno);
  }
  LoopPower made(directory + "/power.img", directory + "/power");
  constexpr unsigned kMode = 0600;
  const Descriptor file(open(made.image_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!file.valid() || posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)) != 0) {
    return unsupported("no room for an image", errno);
  }
  if (auto formatted = make_file_system(made.image_); !formatted) {
    return Failure(formatted.error());
  }
  if (mkdir(made.mount_point_.c_str(), 0700) != 0) return unsupported("no mount point", errno);
  if (auto mounted = made.mount(); !mounted) return Failure(mounted.error());
  return made;
}

Result<void> LoopPower::mount() {
  std::string device;
  auto loop = attach(image_, device);
  if (!loop) return Failure(loop.error());
  if (::mount(device.c_str(), mount_point_.c_str(), "ext4", MS_NOATIME, nullptr) == 0) return {};
  return unsupported("ext4 cannot be mounted", errno);
}

Result<void> LoopPower::unmount() {
  for (int attempt = 0;; ++attempt) {
    if (umount2(mount_point_.c_str(), 0) == 0 || errno == EINVAL || errno == ENOENT) return {};
    if (errno != EBUSY || attempt == kAttempts) {
      return fail_os(errno, "cannot unmount %s", mount_point_.c_str());
    }
    std::this_thread::sleep_for(kBetween);
  }
}

Result<void> LoopPower::cut() {
  const Descriptor root(open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::uint32_t how = kNoLogFlush;
  if (root.valid() && ioctl(root.get(), kExt4Shutdown, &how) == 0) return {};
  return unsupported("ext4 refuses to be shut down", errno);
}

Result<void> LoopPower::restore() {
  if (auto gone = unmount(); !gone) return gone;
  return mount();
}

}  // namespace millrace::tools
