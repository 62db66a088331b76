#include "file_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <new>
#include <sys/statvfs.h>

namespace millrace {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

std::uint64_t nanoseconds(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

class FileReader final : public DiskReader {
 public:
  explicit FileReader(SlotFiles files) noexcept : files_(std::move(files)) {}

  Result<void> read(DiskFile file, std::uint64_t offset, std::span<std::byte> into) override {
    return files_.read(file, offset, into);
  }

 private:
  SlotFiles files_;
};

}  // namespace

FileDisk::FileDisk(DiskPlace place, std::unique_ptr<DoneQueue> done)
    : facts_(std::move(place.facts)),
      boot_(boot_id()),
      files_(std::move(place.directory), std::move(place.path), place.rights),
      done_(std::move(done)) {}

FileDisk::~FileDisk() {
  // The child has none of its parent's threads; waiting for one would never end.
  if (foreign()) static_cast<void>(preparer_.release());
}

Failure FileDisk::foreign_failure() const {
  return fail(Errc::foreign,
              "the journal %s was opened by the parent of this process: open it anew",
              files_.path().c_str());
}

Result<void> FileDisk::may_write() const {
  if (foreign()) return foreign_failure();
  if (!files_.rights().read_only) return {};
  return fail(Errc::no_permission, "the journal %s was opened for reading only",
              files_.path().c_str());
}

Result<void> FileDisk::lock(bool (*waiting)(void* context, const Error& why), void* context) {
  if (auto may = may_write(); !may) return may;
  return lock_.take(files_.directory(), files_.path(), waiting, context);
}

Result<std::vector<Disk::Slot>> FileDisk::slots() {
  if (foreign()) return foreign_failure();
  auto found = files_.list();
  if (!found) return found;
  if (std::ranges::any_of(*found, &Slot::doubtful)) {
    note(
        "some slots have blocks that are holes, unwritten or shared with a copy: writing there is "
        "slow and can fail on a full disk until they are prepared again");
  }
  return found;
}

Result<void> FileDisk::read(File file, std::uint64_t offset, std::span<std::byte> into) {
  if (foreign()) return foreign_failure();
  return files_.read(file, offset, into);
}

std::unique_ptr<DiskReader> FileDisk::make_reader() {
  if (foreign()) return nullptr;
  Descriptor own(::openat(files_.directory(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own.valid()) return nullptr;
  return std::make_unique<FileReader>(SlotFiles(
      std::move(own), files_.path(), {.read_only = true, .direct = files_.rights().direct}));
}

Result<void> FileDisk::flush_all() {
  if (foreign()) return foreign_failure();
  return files_.flush_all();
}

Result<void> FileDisk::write_block(File file, std::uint64_t offset,
                                   std::span<const std::byte> block) {
  if (auto may = may_write(); !may) return may;
  return files_.write_block(file, offset, block);
}

Result<void> FileDisk::make_buffers(std::size_t count, std::size_t bytes) {
  if (auto may = may_write(); !may) return may;
  if (buffers_.make(count, bytes)) return {};
  return fail(Errc::no_space, "cannot get %zu buffers of %zu bytes: no memory, or asked for twice",
              count, bytes);
}

void FileDisk::prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept {
  if (foreign()) return;
  if (files_.rights().read_only || file >= kManifestA || bytes % facts_.block_bytes != 0) {
    done_->add({id, files_.rights().read_only ? -EROFS : -EINVAL});
    return;
  }
  files_.forget(file);
  if (!preparer_) {
    preparer_.reset(new (std::nothrow)
                        SlotPreparer(files_.directory(), files_.rights().direct, *done_));
  }
  if (preparer_) {
    preparer_->prepare(id, file, bytes);
  } else {
    done_->add({id, -ENOMEM});
  }
}

Result<void> FileDisk::remove(File file) {
  if (auto may = may_write(); !may) return may;
  return files_.remove(file);
}

Disk::Now FileDisk::now() const noexcept {
  Now now;
  now.wall_ns = nanoseconds(CLOCK_REALTIME);
  now.boot_ns = nanoseconds(CLOCK_BOOTTIME);
  std::ranges::copy(boot_, now.boot_id);
  return now;
}

std::uint64_t FileDisk::free_bytes() const noexcept {
  struct statvfs facts {};

  if (fstatvfs(files_.directory(), &facts) != 0) return 0;
  return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

int FileDisk::open_for_write(File file, SlotFiles::Open& opened) noexcept {
  if (files_.rights().read_only) return -EROFS;
  auto found = files_.open(file);
  if (!found) return found.error().os_error() != 0 ? -found.error().os_error() : -EINVAL;
  opened = std::move(*found);
  return 0;
}

void FileDisk::note(const std::string& what) {
  if (facts_.note.find(what) != std::string::npos) return;
  if (!facts_.note.empty()) facts_.note += "; ";
  facts_.note += what;
}

}  // namespace millrace
