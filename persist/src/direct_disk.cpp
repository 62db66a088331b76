#include "direct_disk.hpp"

#include "quiet_thread.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <sys/uio.h>
#include <unistd.h>

namespace millrace {
namespace {

using std::chrono::steady_clock;

std::int64_t submit_once(const WriteOperation& operation) noexcept {
  const int fd = operation.target.file->get();
  if (operation.flush) return fdatasync(fd) == 0 ? 0 : -errno;
  const std::span<const std::byte> rest = operation.rest();
  const iovec piece{const_cast<std::byte*>(rest.data()), rest.size()};
  const ssize_t written = pwritev2(fd, &piece, 1, static_cast<off_t>(operation.rest_offset()),
                                   operation.dsync ? RWF_DSYNC : 0);
  return written < 0 ? -errno : written;
}

}  // namespace

DirectDisk::DirectDisk(DiskPlace place, std::unique_ptr<DoneQueue> done, std::uint32_t depth)
    : FileDisk(std::move(place), std::move(done)),
      depth_(std::max(depth, 1U)),
      crew_(std::make_unique<Crew>(facts().block_bytes)) {}

DirectDisk::~DirectDisk() {
  if (foreign()) static_cast<void>(crew_.release());
}

DirectDisk::Crew::~Crew() {
  {
    const std::lock_guard lock(mutex);
    stop = true;
  }
  changed.notify_all();
  for (std::thread& thread : threads)
    thread.join();
}

void DirectDisk::Crew::run(DoneQueue& done) noexcept {
  std::unique_lock lock(mutex);
  for (;;) {
    ++idle;
    changed.wait(lock, [&] { return stop || !waiting.empty(); });
    --idle;
    if (stop) return;
    WriteOperation operation = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    std::optional<std::int64_t> outcome;
    while (!outcome)
      outcome = operation.take(submit_once(operation), block_bytes);
    operation.target = {};
    done.add({operation.id, *outcome});
    lock.lock();
  }
}

void DirectDisk::start(WriteOperation operation) noexcept {
  const std::uint64_t id = operation.id;
  const int refused = open_for_write(operation.file, operation.target);
  if (refused != 0) return done().add({id, refused});
  {
    const std::lock_guard lock(crew_->mutex);
    crew_->waiting.push_back(std::move(operation));
    if (crew_->idle < crew_->waiting.size() && crew_->threads.size() < depth_) {
      std::thread made = quiet_thread([crew = crew_.get(), queue = &done()] { crew->run(*queue); });
      if (made.joinable()) crew_->threads.push_back(std::move(made));
    }
    if (crew_->threads.empty()) {
      crew_->waiting.pop_back();
      done().add({id, -EAGAIN});
    }
  }
  crew_->changed.notify_one();
}

void DirectDisk::write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
                       std::size_t bytes, bool durable) noexcept {
  if (foreign()) return;
  const std::span<std::byte> from = buffers().at(index);
  if (bytes == 0 || bytes > from.size()) return done().add({id, -EINVAL});
  WriteOperation operation;
  operation.id = id;
  operation.file = file;
  operation.bytes = from.first(bytes);
  operation.offset = offset;
  operation.dsync = durable && facts().durability == Durability::dsync;
  start(std::move(operation));
}

void DirectDisk::flush(std::uint64_t id, File file) noexcept {
  if (foreign()) return;
  WriteOperation operation;
  operation.id = id;
  operation.file = file;
  operation.flush = true;
  start(std::move(operation));
}

std::size_t DirectDisk::wait(std::span<Done> into, std::uint64_t timeout_ns) noexcept {
  if (foreign() || into.empty()) return 0;
  const auto begun = steady_clock::now();
  for (std::uint64_t passed = 0;;) {
    const std::size_t count = done().take(into);
    if (count != 0 || passed >= timeout_ns) return count;
    done().wait(timeout_ns - passed);
    passed =
        static_cast<std::uint64_t>(std::chrono::nanoseconds(steady_clock::now() - begun).count());
  }
}

}  // namespace millrace
