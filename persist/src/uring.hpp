// An io_uring with a table of files, made for one thread. Nothing of it reaches a forked child: its
// descriptor is closed there and its memory is not mapped. A child that kept either would keep the
// log's lock, whose description is registered here, after its parent's death.
//
// Thread rules: the thread that made it (SINGLE_ISSUER).
#pragma once

#include "millrace/core/fork_guard.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <memory>
#include <span>

#include <liburing.h>

namespace millrace {

class Uring {
 public:
  // `entries` operations at once; `files` places in the table, all free. The error's os_error()
  // is ENOSYS, EPERM or ENOMEM where containers, settings or limits forbid io_uring.
  [[nodiscard]] static Result<std::unique_ptr<Uring>> make(unsigned entries, unsigned files);

  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  // What is in flight goes on in the kernel, which keeps the registered files until it has ended.
  ~Uring();

  // Puts `fd` into the table; -1 frees the place, once nothing in flight uses it. 0 or -errno.
  [[nodiscard]] int set_file(unsigned place, int fd) noexcept;

  // -errno where RLIMIT_MEMLOCK or the kind of memory forbids it: then plain writes do.
  [[nodiscard]] int register_buffers(std::span<const iovec> buffers) noexcept;

  // Null: as many as fit are waiting to be submitted.
  [[nodiscard]] io_uring_sqe* next() noexcept { return io_uring_get_sqe(&ring_); }

  // Starts everything that next() handed out. -EAGAIN and -EBUSY: it starts at the next call.
  [[nodiscard]] int submit() noexcept;

  // Lets completions appear: waits for one, at most `timeout_ns`; 0 only looks. -ETIME if none.
  [[nodiscard]] int wait(std::uint64_t timeout_ns) noexcept;

  // Null: none has completed. Valid until seen().
  [[nodiscard]] io_uring_cqe* peek() noexcept;

  void seen(io_uring_cqe* completion) noexcept { io_uring_cqe_seen(&ring_, completion); }

 private:
  Uring() noexcept = default;

  ForkGuard guard_;
  io_uring ring_{};
  int registered_fd_ = -1;  // for the fork handler
};

}  // namespace millrace
