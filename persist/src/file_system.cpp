#include "file_system.hpp"

#include "millrace/core/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

namespace millrace {
namespace {

struct Known {
  std::uint32_t magic;
  const char* name;
  Trust trust;
};

// Numbers that <linux/magic.h> does not name are written out.
constexpr std::array kKnown{
    Known{EXT4_SUPER_MAGIC, "ext4", Trust::overwrites},
    Known{XFS_SUPER_MAGIC, "xfs", Trust::overwrites},
    Known{BTRFS_SUPER_MAGIC, "btrfs", Trust::copy_on_write},
    Known{0xca45'1a4e, "bcachefs", Trust::copy_on_write},
    Known{0x2fc1'2fc1, "zfs", Trust::copy_on_write},
    Known{F2FS_SUPER_MAGIC, "f2fs", Trust::copy_on_write},
    Known{TMPFS_MAGIC, "tmpfs", Trust::volatile_memory},
    Known{RAMFS_MAGIC, "ramfs", Trust::volatile_memory},
    Known{HUGETLBFS_MAGIC, "hugetlbfs", Trust::volatile_memory},
    Known{NFS_SUPER_MAGIC, "nfs", Trust::remote},
    Known{SMB_SUPER_MAGIC, "smb", Trust::remote},
    Known{CIFS_SUPER_MAGIC, "cifs", Trust::remote},
    Known{SMB2_SUPER_MAGIC, "smb3", Trust::remote},
    Known{FUSE_SUPER_MAGIC, "fuse", Trust::remote},
    Known{V9FS_MAGIC, "9p", Trust::remote},
    Known{CEPH_SUPER_MAGIC, "ceph", Trust::remote},
    Known{AFS_SUPER_MAGIC, "afs", Trust::remote},
    Known{0x786f'4256, "vboxsf", Trust::remote},
    Known{0xbacb'acbc, "vmhgfs", Trust::remote},
};

constexpr int kOverlaysDeep = 4;  // an overlay may lie on an overlay; the kernel allows two

std::string hexadecimal(std::uint32_t number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "file system 0x%x", number);
  return text.data();
}

// The block device's number: that of the mount's source, because Btrfs gives each subvolume a
// number that belongs to no device.
std::string device_of(int fd) {
  struct stat facts {};

  if (const auto mount = mount_of(fd); mount && mount->source.starts_with('/')) {
    if (stat(mount->source.c_str(), &facts) == 0 && S_ISBLK(facts.st_mode)) {
      return std::to_string(major(facts.st_rdev)) + ":" + std::to_string(minor(facts.st_rdev));
    }
  }
  if (fstat(fd, &facts) != 0 || major(facts.st_dev) == 0) return {};
  return std::to_string(major(facts.st_dev)) + ":" + std::to_string(minor(facts.st_dev));
}

// A block device that is made of memory is as forgetful as tmpfs.
bool is_memory_device(const std::string& device) {
  if (device.empty()) return false;
  const std::string text = detail::read_text("/sys/dev/block/" + device + "/uevent");
  return text.find("DEVNAME=zram") != std::string::npos ||
         text.find("DEVNAME=ram") != std::string::npos;
}

Result<FileSystem> judge(int fd, const std::string& path, int overlays_deep);

Result<FileSystem> judge_overlay(int fd, const std::string& path, int overlays_deep) {
  FileSystem found{.name = "overlay", .trust = Trust::unknown, .device = {}, .upper_path = {}};
  const auto mount = mount_of(fd);
  const auto upper = mount ? detail::option_of(*mount, "upperdir") : std::nullopt;
  if (!upper || overlays_deep == kOverlaysDeep) return found;
  found.upper_path = *upper;
  // In a container the path is one of the host's and names nothing, or something else, in here.
  const Descriptor directory(open(upper->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return found;
  auto below = judge(directory.get(), path, overlays_deep + 1);
  if (!below) return below;
  below->name = "overlay on " + below->name;
  return below;
}

Result<FileSystem> judge(int fd, const std::string& path, int overlays_deep) {
  struct statfs facts {};

  if (fstatfs(fd, &facts) != 0) {
    return fail_os(errno, "cannot tell which file system %s is on", path.c_str());
  }
  const auto magic = static_cast<std::uint32_t>(facts.f_type);
  if (magic == OVERLAYFS_SUPER_MAGIC) return judge_overlay(fd, path, overlays_deep);
  const auto* known = std::ranges::find(kKnown, magic, &Known::magic);
  FileSystem found;
  found.name = known == kKnown.end() ? hexadecimal(magic) : known->name;
  found.trust = known == kKnown.end() ? Trust::unknown : known->trust;
  found.device = device_of(fd);
  if (is_memory_device(found.device)) {
    found.name += " in memory";
    found.trust = Trust::volatile_memory;
  }
  return found;
}

std::optional<std::uint64_t> mount_id(int fd) {
  struct statx facts {};

  if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &facts) != 0) return std::nullopt;
  if ((facts.stx_mask & STATX_MNT_ID) == 0) return std::nullopt;  // before Linux 5.8
  return facts.stx_mnt_id;
}

}  // namespace

std::optional<detail::Mount> mount_of(int fd) {
  struct stat facts {};

  const auto id = mount_id(fd);
  if (!id && fstat(fd, &facts) != 0) return std::nullopt;
  const std::string device =
      std::to_string(major(facts.st_dev)) + ":" + std::to_string(minor(facts.st_dev));
  std::optional<detail::Mount> found;
  for (auto& mount : detail::read_mounts("/proc/self/mountinfo")) {
    if (id ? mount.id == *id : mount.device == device) found = std::move(mount);
  }
  return found;
}

Result<FileSystem> file_system_of(int directory_fd, const std::string& path) {
  return judge(directory_fd, path, 0);
}

Result<void> accept_file_system(const FileSystem& found, const std::string& path,
                                bool allow_volatile, bool trust_file_system) {
  const char* const name = found.name.c_str();
  if (found.trust == Trust::volatile_memory && !allow_volatile) {
    return fail(
        Errc::unsupported,
        "%s is on %s, which is memory: nothing in it survives power loss; choose a directory "
        "on a disk, or allow volatile journals",
        path.c_str(), name);
  }
  if (found.trust == Trust::remote && !trust_file_system) {
    return fail(Errc::unsupported,
                "%s is on %s, where another program decides what a flush means: choose a directory "
                "on a local disk, or say that you trust this file system",
                path.c_str(), name);
  }
  if (found.trust != Trust::unknown || trust_file_system) return {};
  if (!found.upper_path.empty()) {
    return fail(
        Errc::unsupported,
        "%s is on an overlay whose upper directory %.120s cannot be seen from here: put the "
        "journal on a volume, or say that you trust this file system",
        path.c_str(), found.upper_path.c_str());
  }
  return fail(
      Errc::unsupported,
      "%s is on %s, of which nobody knows whether it keeps its word: use ext4 or XFS, or say "
      "that you trust this file system",
      path.c_str(), name);
}

}  // namespace millrace
