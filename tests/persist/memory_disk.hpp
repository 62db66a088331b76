// A disk of bytes in memory, for logs that are made by hand and damaged on purpose. Nothing is ever
// in flight on it; the simulator (simulated_disk.hpp) is for that.
//
// Thread rules: one thread.
#pragma once

#include "millrace/persist/disk.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace millrace::persist_test {

// What outlives a process. A copy is another world that begins with the same bytes.
struct DiskBytes {
  std::map<Disk::File, std::vector<std::byte>> files;
  std::set<std::pair<Disk::File, std::uint64_t>> unreadable;  // blocks
  Disk::Now now{.wall_ns = 1'700'000'000'000'000'000, .boot_ns = 1'000'000'000, .boot_id = {0xb0}};
  DiskFacts facts{.file_system = "memory", .engine = "memory", .note = {}};
  std::uint64_t flushes = 0;
  std::uint64_t writes = 0;
  std::uint64_t read_bytes = 0;
  bool locked = false;

  friend bool operator==(const DiskBytes& a, const DiskBytes& b) { return a.files == b.files; }
};

class MemoryDisk final : public Disk {
 public:
  explicit MemoryDisk(std::shared_ptr<DiskBytes> bytes) : bytes_(std::move(bytes)) {}

  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;
  ~MemoryDisk() override;

  [[nodiscard]] const DiskFacts& facts() const noexcept override { return bytes_->facts; }

  Result<void> lock(bool (*waiting)(void*, const Error&), void* context) override;
  Result<std::vector<Slot>> slots() override;
  Result<void> read(File file, std::uint64_t offset, std::span<std::byte> into) override;
  Result<void> flush_all() override;
  Result<void> write_block(File file, std::uint64_t offset,
                           std::span<const std::byte> block) override;
  Result<void> make_buffers(std::size_t count, std::size_t bytes) override;
  [[nodiscard]] std::span<std::byte> buffer(std::size_t index) noexcept override;
  void write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
             std::size_t bytes, bool durable) noexcept override;
  void flush(std::uint64_t id, File file) noexcept override;
  void prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept override;
  Result<void> remove(File file) override;
  std::size_t wait(std::span<Done> done, std::uint64_t timeout_ns) noexcept override;

  [[nodiscard]] Now now() const noexcept override { return bytes_->now; }

  [[nodiscard]] std::uint64_t free_bytes() const noexcept override { return 1 << 30; }

 private:
  std::shared_ptr<DiskBytes> bytes_;
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<Done> done_;
  bool holds_lock_ = false;
};

}  // namespace millrace::persist_test
