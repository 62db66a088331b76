#include "alarm.hpp"

#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace millrace::detail {

Result<std::unique_ptr<Alarm>> Alarm::create() {
  std::unique_ptr<Alarm> alarm(new Alarm);
  alarm->event_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!alarm->event_.valid()) return fail_os(errno, "cannot make an event descriptor");
  // The thread must not take the user's signals.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int refused = 0;
  try {
    alarm->thread_ = std::thread([owner = alarm.get()] { owner->run(); });
  } catch (const std::system_error& error) {
    refused = error.code().value();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (refused != 0) return fail_os(refused, "cannot start the thread behind the event descriptor");
  return alarm;
}

Alarm::~Alarm() {
  if (!thread_.joinable()) return;
  disarm();
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Alarm::arm(std::span<const FutexWait> waits, std::uint64_t bound_ns) {
  disarm();
  std::uint64_t counted = 0;
  (void)!read(event_.get(), &counted, sizeof counted);
  {
    const std::lock_guard lock(mutex_);
    waits_.assign(1, {&cancel_, cancel_.load(std::memory_order_relaxed)});
    waits_.insert(waits_.end(), waits.begin(), waits.end());
    bound_ns_ = bound_ns;
    armed_.store(true, std::memory_order_relaxed);
  }
  changed_.notify_all();
}

void Alarm::ring() noexcept {
  constexpr std::uint64_t kOne = 1;
  (void)!write(event_.get(), &kOne, sizeof kOne);
}

void Alarm::disarm() noexcept {
  std::unique_lock lock(mutex_);
  armed_.store(false, std::memory_order_relaxed);
  cancel_.fetch_add(1, std::memory_order_relaxed);
  futex_wake(&cancel_, INT32_MAX);
  changed_.wait(lock, [&] { return !asleep_; });
}

bool Alarm::moved(std::span<const FutexWait> waits) const noexcept {
  for (const FutexWait& wait : waits) {
    if (wait.word->load(std::memory_order_relaxed) != wait.expected) return true;
  }
  return false;
}

void Alarm::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || armed_.load(std::memory_order_relaxed); });
    if (stop_) return;
    const std::vector<FutexWait> waits = waits_;
    const std::uint64_t bound_ns = bound_ns_;
    asleep_ = true;
    lock.unlock();
    while (!moved(waits))
      futex_wait_many(waits, bound_ns);
    lock.lock();
    asleep_ = false;
    // Disarmed meanwhile: nobody wants to know.
    if (armed_.load(std::memory_order_relaxed)) ring();
    armed_.store(false, std::memory_order_relaxed);
    changed_.notify_all();
  }
}

}  // namespace millrace::detail
