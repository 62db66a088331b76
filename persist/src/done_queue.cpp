#include "done_queue.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace millrace {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

Result<std::unique_ptr<DoneQueue>> DoneQueue::make() {
  std::unique_ptr<DoneQueue> queue(new DoneQueue);
  queue->event_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!queue->event_.valid()) return fail_os(errno, "cannot make an event descriptor");
  return queue;
}

void DoneQueue::add(Disk::Done done) noexcept {
  const std::lock_guard lock(mutex_);
  done_.push_back(done);
  constexpr std::uint64_t kOne = 1;
  (void)!write(event_.get(), &kOne, sizeof kOne);
}

std::size_t DoneQueue::take(std::span<Disk::Done> into) noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(into.size(), done_.size());
  std::copy_n(done_.begin(), count, into.begin());
  done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
  std::uint64_t counted = 0;
  if (done_.empty()) (void)!read(event_.get(), &counted, sizeof counted);
  return count;
}

void DoneQueue::wait(std::uint64_t timeout_ns) const noexcept {
  pollfd readable{event_.get(), POLLIN, 0};
  const timespec timeout{static_cast<std::time_t>(timeout_ns / kNanosecondsPerSecond),
                         static_cast<long>(timeout_ns % kNanosecondsPerSecond)};
  ppoll(&readable, 1, &timeout, nullptr);
}

}  // namespace millrace
