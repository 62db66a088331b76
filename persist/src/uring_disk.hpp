// The engine of choice: io_uring with registered files and buffers. It sleeps for completions and
// never spins: a spinner on the CPU that takes the disk's interrupt would delay what it waits for.
//
// Thread rules: as Disk, the thread that made it.
#pragma once

#include "file_disk.hpp"
#include "uring.hpp"
#include "write_operation.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace millrace {

class UringDisk final : public FileDisk {
 public:
  static constexpr std::size_t kOperationsMax = 64;

  // The ring comes first, so that a caller who is refused one can still use `place`.
  [[nodiscard]] static Result<std::unique_ptr<Uring>> make_ring();

  UringDisk(DiskPlace place, std::unique_ptr<DoneQueue> done, std::unique_ptr<Uring> ring);
  ~UringDisk() override;

  Result<void> lock(bool (*waiting)(void* context, const Error& why), void* context) override;
  Result<void> make_buffers(std::size_t count, std::size_t bytes) override;
  void write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
             std::size_t bytes, bool durable) noexcept override;
  void flush(std::uint64_t id, File file) noexcept override;
  void prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept override;
  Result<void> remove(File file) override;
  std::size_t wait(std::span<Done> done, std::uint64_t timeout_ns) noexcept override;

 private:
  // Finds a free operation, opens the file and puts it into the ring's table. Null: `id` has been
  // answered with the reason.
  WriteOperation* begin(std::uint64_t id, File file) noexcept;
  int show_file(const SlotFiles::Open& opened) noexcept;
  void start(WriteOperation& operation) noexcept;
  void end(WriteOperation& operation, std::int64_t result) noexcept;
  void watch_preparation() noexcept;
  std::size_t take_done(std::span<Done> into) noexcept;
  void reap() noexcept;
  void take_completion(std::uint64_t data, std::int64_t result) noexcept;
  void break_off(int refused) noexcept;
  void forget_file(File file) noexcept;
  void drain() noexcept;

  std::unique_ptr<Uring> ring_;
  bool buffers_registered_ = false;
  bool watching_ = false;        // a poll of done().event() is in the ring
  std::size_t preparing_ = 0;    // preparations whose end was not taken yet
  std::vector<Done> completed_;  // of our own operations, oldest first
  int broken_ = 0;               // the ring refuses for good: -errno
  std::size_t in_flight_ = 0;
  std::array<std::uint64_t, SlotFiles::kOpenMax> shown_{};  // serial of the file at each place
  std::array<WriteOperation, kOperationsMax> operations_{};
  std::array<bool, kOperationsMax> busy_{};
};

}  // namespace millrace
