// The thread behind a subscriber's event descriptor. It sleeps on the same words as a parked
// subscriber would, and makes the descriptor readable when one of them moves. Publishers cannot
// reach another process's eventfd, and need not know of it.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/futex.hpp"
#include "millrace/core/result.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace millrace::detail {

class Alarm {
 public:
  static Result<std::unique_ptr<Alarm>> create();
  ~Alarm();

  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  [[nodiscard]] int fd() const noexcept { return event_.get(); }

  // True while the thread sleeps for somebody: arming it once more would change nothing.
  [[nodiscard]] bool armed() const noexcept {
    return armed_.load(std::memory_order_relaxed);  // a hint; arm() itself locks
  }

  // Silences the descriptor and sleeps on these words, looking again every `bound_ns`.
  void arm(std::span<const FutexWait> waits, std::uint64_t bound_ns);

  // Makes the descriptor readable now.
  void ring() noexcept;

  // When it returns, the thread no longer touches the words it slept on.
  void disarm() noexcept;

 private:
  Alarm() = default;

  void run();
  [[nodiscard]] bool moved(std::span<const FutexWait> waits) const noexcept;

  Descriptor event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<FutexWait> waits_;
  std::uint64_t bound_ns_ = 0;
  std::atomic<bool> armed_{false};
  bool asleep_ = false;
  bool stop_ = false;
  std::atomic<std::uint32_t> cancel_{0};
  std::thread thread_;
};

}  // namespace millrace::detail
