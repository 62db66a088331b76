// What background threads have completed, and a descriptor that becomes readable with it, so that
// a ring or a poll can wait for it.
//
// Thread safety: any number of threads add; one takes.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"
#include "millrace/persist/disk.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace millrace {

class DoneQueue {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DoneQueue>> make();

  void add(Disk::Done done) noexcept;

  // As many as there are and fit; makes the descriptor unreadable if none is left.
  std::size_t take(std::span<Disk::Done> into) noexcept;

  // Sleeps until there is something to take, at most `timeout_ns`. A signal ends it early.
  void wait(std::uint64_t timeout_ns) const noexcept;

  [[nodiscard]] int event() const noexcept { return event_.get(); }

 private:
  // More than operations and preparations together can be under way, so adding allocates nothing.
  static constexpr std::size_t kRoom = 1024;

  DoneQueue() { done_.reserve(kRoom); }

  std::mutex mutex_;
  std::vector<Disk::Done> done_;
  Descriptor event_;
};

}  // namespace millrace
