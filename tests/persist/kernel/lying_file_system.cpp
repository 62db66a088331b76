// A file system in user space that passes everything on to a directory, and is unreliable on
// demand. Writes stay in its memory until an fsync of their file, as in a drive with a volatile
// cache; a power cut forgets them.
//
//   lying_file_system BACKING MOUNTPOINT
//
// One word written to MOUNTPOINT/.control changes its mind:
//   honest  fsync keeps what was written (the beginning)
//   lie     fsync says yes and keeps nothing
//   fail    fsync says EIO, and from then on the writes before it are gone, as a page cache does it
//   cut     the power goes: what was not kept is forgotten, everything fails with EIO until
//   back    it comes again
#define FUSE_USE_VERSION 35
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t kBlock = 512;
using Pending = std::map<off_t, std::vector<char>>;  // block → bytes not yet kept

struct Drive {
  int backing = -1;
  std::mutex mutex;
  std::string mind = "honest";
  bool off = false;
  std::map<std::string, Pending> pending;
};

Drive drive;

const char* below(const char* path) {
  return path[1] == '\0' ? "." : path + 1;
}

bool is_control(const char* path) {
  return std::string_view(path) == "/.control";
}

int status_of(int result) {
  return result < 0 ? -errno : 0;
}

// What a reader sees of one block: what is pending, else what is kept.
std::vector<char> block_at(int fd, const Pending& pending, off_t at) {
  const auto found = pending.find(at);
  if (found != pending.end()) return found->second;
  std::vector<char> block(kBlock, 0);
  (void)!pread(fd, block.data(), block.size(), at);
  return block;
}

int keep(const char* path, int fd) {
  for (const auto& [at, bytes] : drive.pending[path]) {
    if (pwrite(fd, bytes.data(), bytes.size(), at) < 0) return -errno;
  }
  drive.pending.erase(path);
  return 0;
}

void obey(std::string_view word) {
  while (!word.empty() && word.back() == '\n')
    word.remove_suffix(1);
  if (word == "cut") {
    drive.pending.clear();
    drive.off = true;
  } else if (word == "back") {
    drive.off = false;
    drive.mind = "honest";
  } else {
    drive.mind = word;
  }
}

int get_attributes(const char* path, struct stat* status, fuse_file_info*) {
  if (is_control(path)) {
    *status = {};
    status->st_mode = S_IFREG | 0600;
    status->st_nlink = 1;
    return 0;
  }
  const int result = fstatat(drive.backing, below(path), status, AT_SYMLINK_NOFOLLOW);
  if (result < 0) return -errno;
  return 0;
}

int open_file(const char* path, fuse_file_info* info) {
  info->direct_io = 1;
  if (is_control(path)) return 0;
  const std::lock_guard held(drive.mutex);
  if (drive.off) return -EIO;
  // The caller's O_DIRECT and O_DSYNC are ours to play: the backing is only a store.
  const int fd = openat(drive.backing, below(path), O_RDWR | O_CLOEXEC | (info->flags & O_TRUNC));
  if (fd < 0) return -errno;
  info->fh = static_cast<std::uint64_t>(fd);
  return 0;
}

int create_file(const char* path, mode_t mode, fuse_file_info* info) {
  const std::lock_guard held(drive.mutex);
  if (drive.off) return -EIO;
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | (info->flags & O_EXCL);
  const int fd = openat(drive.backing, below(path), flags, mode);
  if (fd < 0) return -errno;
  info->fh = static_cast<std::uint64_t>(fd);
  info->direct_io = 1;
  return 0;
}

int read_file(const char* path, char* into, std::size_t size, off_t offset, fuse_file_info* info) {
  if (is_control(path)) return 0;
  const std::lock_guard held(drive.mutex);
  if (drive.off) return -EIO;
  const int fd = static_cast<int>(info->fh);
  const ssize_t kept = pread(fd, into, size, offset);
  if (kept < 0) return -errno;
  const Pending& pending = drive.pending[path];
  std::size_t end = static_cast<std::size_t>(kept);
  for (const auto& [at, bytes] : pending) {
    const off_t from = std::max(at, offset);
    const off_t to =
        std::min<off_t>(at + static_cast<off_t>(bytes.size()), offset + static_cast<off_t>(size));
    if (from >= to) continue;
    std::memcpy(into + (from - offset), bytes.data() + (from - at),
                static_cast<std::size_t>(to - from));
    end = std::max(end, static_cast<std::size_t>(to - offset));
  }
  return static_cast<int>(end);
}

// What a flush of this file comes to, as the mind of the moment has it.
int flush(const char* path, int fd) {
  if (drive.mind == "lie") return 0;
  if (drive.mind == "fail") {
    drive.pending.erase(path);
    return -EIO;
  }
  return keep(path, fd);
}

int write_file(const char* path, const char* from, std::size_t size, off_t offset,
               fuse_file_info* info) {
  const std::lock_guard held(drive.mutex);
  if (is_control(path)) {
    obey({from, size});
    return static_cast<int>(size);
  }
  if (drive.off) return -EIO;
  const int fd = static_cast<int>(info->fh);

  // The length is the backing's own matter: it survives, as metadata in a journal does.
  struct stat status {};

  const off_t end = offset + static_cast<off_t>(size);
  if (fstat(fd, &status) == 0 && status.st_size < end && ftruncate(fd, end) != 0) return -errno;
  Pending& pending = drive.pending[path];
  for (std::size_t done = 0; done < size;) {
    const off_t at = (offset + static_cast<off_t>(done)) / static_cast<off_t>(kBlock) *
                     static_cast<off_t>(kBlock);
    const std::size_t within =
        static_cast<std::size_t>(offset) + done - static_cast<std::size_t>(at);
    const std::size_t step = std::min(kBlock - within, size - done);
    std::vector<char> block = block_at(fd, pending, at);
    std::memcpy(block.data() + within, from + done, step);
    pending[at] = std::move(block);
    done += step;
  }
  // O_DSYNC of the file, or RWF_DSYNC of this write: the kernel leaves it to us.
  const int flushed = (info->flags & O_DSYNC) != 0 ? flush(path, fd) : 0;
  return flushed < 0 ? flushed : static_cast<int>(size);
}

int sync_file(const char* path, int, fuse_file_info* info) {
  if (is_control(path)) return 0;
  const std::lock_guard held(drive.mutex);
  return drive.off ? -EIO : flush(path, static_cast<int>(info->fh));
}

int close_file(const char* path, fuse_file_info* info) {
  if (!is_control(path)) close(static_cast<int>(info->fh));
  return 0;
}

int read_directory(const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                   fuse_readdir_flags) {
  const int fd = openat(drive.backing, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  DIR* const directory = fdopendir(fd);
  while (const dirent* const entry = readdir(directory))
    fill(buffer, entry->d_name, nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  closedir(directory);
  return 0;
}

int change_length(const char* path, off_t length, fuse_file_info*) {
  if (is_control(path)) return 0;
  const std::lock_guard held(drive.mutex);
  const int fd = openat(drive.backing, below(path), O_RDWR | O_CLOEXEC);
  if (fd < 0) return -errno;
  const int result = status_of(ftruncate(fd, length));
  close(fd);
  Pending& pending = drive.pending[path];
  pending.erase(pending.lower_bound(length), pending.end());
  return result;
}

int make_directory(const char* path, mode_t mode) {
  return status_of(mkdirat(drive.backing, below(path), mode));
}

int remove_file(const char* path) {
  const std::lock_guard held(drive.mutex);
  drive.pending.erase(path);
  return status_of(unlinkat(drive.backing, below(path), 0));
}

int remove_directory(const char* path) {
  return status_of(unlinkat(drive.backing, below(path), AT_REMOVEDIR));
}

int change_mode(const char* path, mode_t mode, fuse_file_info*) {
  return is_control(path) ? 0 : status_of(fchmodat(drive.backing, below(path), mode, 0));
}

int change_owner(const char* path, uid_t user, gid_t group, fuse_file_info*) {
  return status_of(fchownat(drive.backing, below(path), user, group, AT_SYMLINK_NOFOLLOW));
}

int rename_file(const char* from, const char* to, unsigned flags) {
  const std::lock_guard held(drive.mutex);
  const int result =
      status_of(renameat2(drive.backing, below(from), drive.backing, below(to), flags));
  if (result == 0 && drive.pending.contains(from)) {
    drive.pending[to] = std::move(drive.pending[from]);
    drive.pending.erase(from);
  }
  return result;
}

int sync_directory(const char*, int, fuse_file_info*) {
  return drive.off ? -EIO : 0;
}

int file_system_status(const char*, struct statvfs* status) {
  return status_of(fstatvfs(drive.backing, status));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  drive.backing = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (drive.backing < 0) return 2;
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.open = open_file;
  operations.create = create_file;
  operations.read = read_file;
  operations.write = write_file;
  operations.fsync = sync_file;
  operations.release = close_file;
  operations.readdir = read_directory;
  operations.truncate = change_length;
  operations.mkdir = make_directory;
  operations.unlink = remove_file;
  operations.rmdir = remove_directory;
  operations.chmod = change_mode;
  operations.chown = change_owner;
  operations.rename = rename_file;
  operations.fsyncdir = sync_directory;
  operations.statfs = file_system_status;
  std::string foreground = "-f";
  char* arguments[] = {argv[0], foreground.data(), argv[2], nullptr};
  return fuse_main(3, arguments, &operations, nullptr);
}
