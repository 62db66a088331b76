// What both engines have in common: the directory, its lock, its slots, its buffers, and the
// thread that prepares slots. An engine adds how a write gets to the device, and how to wait.
//
// Thread rules: as Disk. In a forked child every call is refused and destroying it is harmless.
#pragma once

#include "done_queue.hpp"
#include "log_lock.hpp"
#include "millrace/core/fork_guard.hpp"
#include "millrace/core/unique_number.hpp"
#include "millrace/persist/disk.hpp"
#include "slot_files.hpp"
#include "slot_preparer.hpp"
#include "staging_buffers.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace millrace {

// What open_disk() has found out, for an engine to work with.
struct DiskPlace {
  Descriptor directory;
  std::string path;
  SlotFiles::Rights rights;
  DiskFacts facts;
};

class FileDisk : public Disk {
 public:
  FileDisk(const FileDisk&) = delete;
  FileDisk& operator=(const FileDisk&) = delete;
  ~FileDisk() override;

  [[nodiscard]] const DiskFacts& facts() const noexcept final { return facts_; }

  Result<void> lock(bool (*waiting)(void* context, const Error& why), void* context) override;
  Result<std::vector<Slot>> slots() final;
  Result<void> read(File file, std::uint64_t offset, std::span<std::byte> into) final;
  std::unique_ptr<DiskReader> make_reader() final;
  Result<void> flush_all() final;
  Result<void> write_block(File file, std::uint64_t offset, std::span<const std::byte> block) final;
  Result<void> make_buffers(std::size_t count, std::size_t bytes) override;

  [[nodiscard]] std::span<std::byte> buffer(std::size_t index) noexcept final {
    return buffers_.at(index);
  }

  void prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept override;
  Result<void> remove(File file) override;
  [[nodiscard]] Now now() const noexcept final;
  [[nodiscard]] std::uint64_t free_bytes() const noexcept final;

 protected:
  FileDisk(DiskPlace place, std::unique_ptr<DoneQueue> done);

  [[nodiscard]] bool foreign() const noexcept { return guard_.foreign(); }

  // Why a write or a flush cannot even begin: -errno, or 0 and the open file.
  [[nodiscard]] int open_for_write(File file, SlotFiles::Open& opened) noexcept;

  [[nodiscard]] SlotFiles& files() noexcept { return files_; }

  [[nodiscard]] DoneQueue& done() noexcept { return *done_; }

  [[nodiscard]] LogLock& log_lock() noexcept { return lock_; }

  // Gives up what is being prepared, and waits for its thread: it writes and removes slots by their
  // names, which belong to a successor as soon as the lock is given back. Never in a forked child.
  void stop_preparing() noexcept { preparer_.reset(); }

  [[nodiscard]] const StagingBuffers& buffers() const noexcept { return buffers_; }

  // Adds a sentence to facts().note.
  void note(const std::string& what);

 private:
  [[nodiscard]] Result<void> may_write() const;
  [[nodiscard]] Failure foreign_failure() const;

  ForkGuard guard_;
  DiskFacts facts_;
  Uuid boot_;
  LogLock lock_;  // goes last of all that writes, also where an engine gives it back itself
  SlotFiles files_;
  StagingBuffers buffers_;
  std::unique_ptr<DoneQueue> done_;
  std::unique_ptr<SlotPreparer> preparer_;
};

}  // namespace millrace
