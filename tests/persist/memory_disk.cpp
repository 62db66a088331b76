#include "memory_disk.hpp"

#include <algorithm>
#include <cstring>

namespace millrace::persist_test {

MemoryDisk::~MemoryDisk() {
  if (holds_lock_) bytes_->locked = false;
}

Result<void> MemoryDisk::lock(bool (*)(void*, const Error&), void*) {
  if (bytes_->locked) return fail(Errc::busy, "another one writes this journal");
  bytes_->locked = holds_lock_ = true;
  return {};
}

Result<std::vector<Disk::Slot>> MemoryDisk::slots() {
  std::vector<Slot> slots;
  for (const auto& [file, bytes] : bytes_->files)
    if (file < kManifestA) slots.push_back({.file = file, .bytes = bytes.size()});
  return slots;
}

Result<void> MemoryDisk::read(File file, std::uint64_t offset, std::span<std::byte> into) {
  const auto found = bytes_->files.find(file);
  if (found == bytes_->files.end()) return fail(Errc::not_found, "there is no file %u", file);
  if (offset + into.size() > found->second.size()) {
    return fail(Errc::damaged, "file %u is too short", file);
  }
  const auto bad = bytes_->unreadable.lower_bound({file, offset});
  if (bad != bytes_->unreadable.end() && bad->first == file && bad->second < offset + into.size()) {
    return fail(Errc::system, "file %u cannot be read", file);
  }
  std::memcpy(into.data(), found->second.data() + offset, into.size());
  bytes_->read_bytes += into.size();
  return {};
}

Result<void> MemoryDisk::flush_all() {
  ++bytes_->flushes;
  return {};
}

Result<void> MemoryDisk::write_block(File file, std::uint64_t offset,
                                     std::span<const std::byte> block) {
  std::vector<std::byte>& bytes = bytes_->files[file];
  bytes.resize(std::max<std::size_t>(bytes.size(), offset + block.size()));
  std::ranges::copy(block, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  ++bytes_->writes;
  return {};
}

Result<void> MemoryDisk::make_buffers(std::size_t count, std::size_t bytes) {
  buffers_.assign(count, std::vector<std::byte>(bytes));
  return {};
}

std::span<std::byte> MemoryDisk::buffer(std::size_t index) noexcept {
  return buffers_[index];
}

void MemoryDisk::write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
                       std::size_t bytes, bool) noexcept {
  static_cast<void>(write_block(file, offset, std::span(buffers_[index]).first(bytes)));
  done_.push_back({.id = id, .result = static_cast<std::int64_t>(bytes)});
}

void MemoryDisk::flush(std::uint64_t id, File) noexcept {
  done_.push_back({.id = id, .result = 0});
}

void MemoryDisk::prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept {
  std::vector<std::byte>& slot = bytes_->files[file];
  slot.resize(bytes);
  for (std::size_t at = 0; at < bytes; at += sizeof kPreparedPattern)
    std::memcpy(slot.data() + at, &kPreparedPattern, sizeof kPreparedPattern);
  ++bytes_->writes;
  done_.push_back({.id = id, .result = 0});
}

Result<void> MemoryDisk::remove(File file) {
  bytes_->files.erase(file);
  ++bytes_->writes;
  return {};
}

std::size_t MemoryDisk::wait(std::span<Done> done, std::uint64_t timeout_ns) noexcept {
  const std::size_t count = std::min(done.size(), done_.size());
  std::copy_n(done_.begin(), count, done.begin());
  done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
  // Time passes only for those who wait for it.
  if (count == 0) bytes_->now.boot_ns += timeout_ns;
  return count;
}

}  // namespace millrace::persist_test
