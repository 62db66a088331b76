#include "uring.hpp"

#include <array>
#include <cerrno>
#include <vector>

namespace millrace {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// Best first. Each needs a later kernel than the one behind it (6.1, 5.19).
constexpr std::array<unsigned, 3> kFlags{
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_COOP_TASKRUN,
    0,
};

int make_ring(unsigned entries, io_uring& ring) noexcept {
  int refused = -EINVAL;
  for (const unsigned flags : kFlags) {
    io_uring_params wanted{};
    wanted.flags = flags;
    refused = io_uring_queue_init_params(entries, &ring, &wanted);
    if (refused != -EINVAL) break;
  }
  if (refused != 0) return refused;
  // A wait with a timeout (5.11), and no completion that gets lost.
  constexpr unsigned kNeeded = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP;
  if ((ring.features & kNeeded) == kNeeded) return 0;
  io_uring_queue_exit(&ring);
  return -ENOSYS;
}

}  // namespace

Result<std::unique_ptr<Uring>> Uring::make(unsigned entries, unsigned files) {
  std::unique_ptr<Uring> made(new Uring);
  const detail::ForkPause pause;
  if (const int refused = make_ring(entries, made->ring_); refused != 0) {
    return fail_os(-refused, "io_uring is refused");
  }
  made->registered_fd_ = made->ring_.ring_fd;
  if (!detail::close_in_child(made->registered_fd_)) {
    made->registered_fd_ = -1;
    io_uring_queue_exit(&made->ring_);
    return fail(Errc::too_many, "this process holds too many locks and rings: close some");
  }
  const std::vector<int> free_places(files, -1);
  int refused = io_uring_ring_dontfork(&made->ring_);
  if (refused == 0) refused = io_uring_register_files(&made->ring_, free_places.data(), files);
  if (refused != 0) {
    detail::forget_in_child(made->registered_fd_);
    made->registered_fd_ = -1;
    io_uring_queue_exit(&made->ring_);
    return fail_os(-refused, "io_uring keeps no table of files");
  }
  static_cast<void>(io_uring_register_ring_fd(&made->ring_));  // only a little faster
  return made;
}

Uring::~Uring() {
  // In a child the descriptor is closed and the memory was never mapped.
  if (registered_fd_ < 0 || guard_.foreign()) return;
  const detail::ForkPause pause;
  detail::forget_in_child(registered_fd_);
  io_uring_queue_exit(&ring_);
}

int Uring::set_file(unsigned place, int fd) noexcept {
  const int outcome = io_uring_register_files_update(&ring_, place, &fd, 1);
  return outcome < 0 ? outcome : 0;
}

int Uring::register_buffers(std::span<const iovec> buffers) noexcept {
  return io_uring_register_buffers(&ring_, buffers.data(), static_cast<unsigned>(buffers.size()));
}

int Uring::submit() noexcept {
  int outcome = 0;
  do {
    outcome = io_uring_submit(&ring_);
  } while (outcome == -EINTR);
  return outcome < 0 ? outcome : 0;
}

int Uring::wait(std::uint64_t timeout_ns) noexcept {
  // Only the kernel moves completions into the ring (DEFER_TASKRUN), so looking is a call too.
  if (timeout_ns == 0) {
    const int submitted = submit();
    const int outcome = io_uring_get_events(&ring_);
    return submitted < 0 ? submitted : outcome < 0 ? outcome : 0;
  }
  __kernel_timespec timeout{static_cast<long long>(timeout_ns / kNanosecondsPerSecond),
                            static_cast<long long>(timeout_ns % kNanosecondsPerSecond)};
  io_uring_cqe* first = nullptr;
  const int outcome = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
  return outcome < 0 ? outcome : 0;
}

io_uring_cqe* Uring::peek() noexcept {
  io_uring_cqe* completion = nullptr;
  unsigned place = 0;
  io_uring_for_each_cqe(&ring_, place, completion) return completion;
  return nullptr;
}

}  // namespace millrace
