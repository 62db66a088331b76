// The engine where io_uring is refused: a few threads with pwritev2. At depth 1 it is as fast; more
// depth costs a thread each. It also serves readers, which start no thread at all.
//
// Thread rules: as Disk.
#pragma once

#include "file_disk.hpp"
#include "write_operation.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace millrace {

class DirectDisk final : public FileDisk {
 public:
  // At most `depth` writes at once.
  DirectDisk(DiskPlace place, std::unique_ptr<DoneQueue> done, std::uint32_t depth);
  ~DirectDisk() override;

  void write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
             std::size_t bytes, bool durable) noexcept override;
  void flush(std::uint64_t id, File file) noexcept override;
  std::size_t wait(std::span<Done> done, std::uint64_t timeout_ns) noexcept override;

 private:
  // Lives apart, because a forked child must leave it alone: its threads do not exist there.
  struct Crew {
    explicit Crew(std::size_t block) noexcept : block_bytes(block) {}

    ~Crew();
    void run(DoneQueue& done) noexcept;

    const std::size_t block_bytes;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<WriteOperation> waiting;
    bool stop = false;
    std::size_t idle = 0;
    std::vector<std::thread> threads;
  };

  void start(WriteOperation operation) noexcept;

  std::size_t depth_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace millrace
