// Makes slots in the background: reserves the space, writes the pattern over all of it, flushes it
// and the directory. A prepared slot is later only overwritten, which needs no allocation, no
// metadata and so no journal commit of the file system.
//
// Thread rules: one thread uses it; its own thread does the work. Its owner must not destroy it in
// a forked child, where that thread does not exist.
#pragma once

#include "done_queue.hpp"
#include "millrace/persist/disk.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace millrace {

class SlotPreparer {
 public:
  // `directory_fd` and `done` outlive it. What is done has the result of prepare_slot().
  SlotPreparer(int directory_fd, bool direct, DoneQueue& done) noexcept
      : directory_(directory_fd), direct_(direct), done_(done) {}

  SlotPreparer(const SlotPreparer&) = delete;
  SlotPreparer& operator=(const SlotPreparer&) = delete;
  // Gives up what it is doing: a slot that is not complete is removed.
  ~SlotPreparer();

  void prepare(std::uint64_t id, Disk::File file, std::uint64_t bytes) noexcept;

 private:
  struct Task {
    std::uint64_t id = 0;
    Disk::File file = 0;
    std::uint64_t bytes = 0;
  };

  void run() noexcept;

  int directory_;
  bool direct_;
  DoneQueue& done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// The work itself, on the calling thread. 0 or -errno: -ENOSPC (also for a quota), -ECANCELED if
// `stop` was set. On failure the slot is gone.
[[nodiscard]] int prepare_slot(int directory_fd, const std::string& name, std::uint64_t bytes,
                               bool direct, const std::atomic<bool>& stop) noexcept;

}  // namespace millrace
