#include "slot_preparer.hpp"

#include "millrace/core/descriptor.hpp"
#include "quiet_thread.hpp"
#include "slot_files.hpp"
#include "staging_buffers.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace {
namespace {

constexpr unsigned kFileMode = 0600;
constexpr std::size_t kStepBytes = std::size_t{1} << 20;

// From the kernel's <linux/ioprio.h>, which Debian's headers of some releases lack.
constexpr int kIoprioThread = 1;      // IOPRIO_WHO_PROCESS: of one thread
constexpr int kIoprioIdle = 3 << 13;  // IOPRIO_CLASS_IDLE
constexpr std::size_t kWord = sizeof kPreparedPattern;

// The disk's other users go first. Refused by no kernel we know, and of no consequence if it is.
void be_gentle() noexcept {
  syscall(SYS_ioprio_set, kIoprioThread, 0, kIoprioIdle);
}

void fill_with_pattern(std::span<std::byte> bytes) noexcept {
  for (std::size_t at = 0; at + kWord <= bytes.size(); at += kWord)
    std::memcpy(bytes.data() + at, &kPreparedPattern, kWord);
}

int write_pattern(int fd, std::uint64_t bytes, const std::atomic<bool>& stop) noexcept {
  StagingBuffers step;
  if (!step.make(1, kStepBytes)) return -ENOMEM;
  fill_with_pattern(step.at(0));
  for (std::uint64_t at = 0; at < bytes;) {
    if (stop.load(std::memory_order_relaxed)) return -ECANCELED;  // read again at the next step
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes - at, kStepBytes));
    const ssize_t written = pwrite(fd, step.at(0).data(), wanted, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -errno;
    if (written == 0) return -EIO;
    at += static_cast<std::uint64_t>(written);
  }
  return 0;
}

int fill_slot(int fd, int directory_fd, std::uint64_t bytes,
              const std::atomic<bool>& stop) noexcept {
  struct stat facts {};

  if (fstat(fd, &facts) != 0) return -errno;
  if (!S_ISREG(facts.st_mode)) return -EINVAL;
  if (ftruncate(fd, static_cast<off_t>(bytes)) != 0) return -errno;
  // A full disk is told here, before anything is written. Where it is not supported the pattern
  // allocates as it goes.
  if (fallocate(fd, 0, 0, static_cast<off_t>(bytes)) != 0 && errno != EOPNOTSUPP) return -errno;
  if (const int refused = write_pattern(fd, bytes, stop); refused != 0) return refused;
  if (fdatasync(fd) != 0) return -errno;
  return fsync(directory_fd) == 0 ? 0 : -errno;
}

}  // namespace

int prepare_slot(int directory_fd, const std::string& name, std::uint64_t bytes, bool direct,
                 const std::atomic<bool>& stop) noexcept {
  const int flags =
      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | (direct ? O_DIRECT : 0);
  const Descriptor slot(openat(directory_fd, name.c_str(), flags, kFileMode));
  int outcome = slot.valid() ? fill_slot(slot.get(), directory_fd, bytes, stop) : -errno;
  if (outcome != 0 && slot.valid()) unlinkat(directory_fd, name.c_str(), 0);
  // A quota is a smaller disk: more room makes both go away.
  if (outcome == -EDQUOT) outcome = -ENOSPC;
  return outcome;
}

void SlotPreparer::prepare(std::uint64_t id, Disk::File file, std::uint64_t bytes) noexcept {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({id, file, bytes});
    if (!thread_.joinable()) thread_ = quiet_thread([this] { run(); });
    if (!thread_.joinable()) {
      tasks_.pop_back();
      done_.add({id, -EAGAIN});
    }
  }
  changed_.notify_all();
}

void SlotPreparer::run() noexcept {
  be_gentle();
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_.load(std::memory_order_relaxed) || !tasks_.empty(); });
    if (stop_.load(std::memory_order_relaxed)) return;  // the mutex orders it
    const Task task = tasks_.front();
    tasks_.pop_front();
    lock.unlock();
    const int outcome = prepare_slot(directory_, name_of(task.file), task.bytes, direct_, stop_);
    done_.add({task.id, outcome});
    lock.lock();
  }
}

SlotPreparer::~SlotPreparer() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_.store(true, std::memory_order_relaxed);  // under the mutex that orders it
  }
  changed_.notify_all();
  thread_.join();
}

}  // namespace millrace
