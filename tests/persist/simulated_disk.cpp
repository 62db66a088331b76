#include "simulated_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace millrace::sim {

namespace {

Failure gone() noexcept {
  return fail_os(EIO, "the simulated process is dead");
}

}  // namespace

SimulatedDisk::SimulatedDisk(std::shared_ptr<SimulatedMedium> medium, Role role, Watch watch)
    : medium_(std::move(medium)), role_(role), watch_(std::move(watch)), life_(medium_->life()) {}

SimulatedDisk::~SimulatedDisk() {
  if (role_ == Role::writer && !dead() && !medium_->in_flight().empty()) {
    medium_->crash(Crash::kill);
  }
}

Result<void> SimulatedDisk::lock(bool (*waiting)(void*, const Error&), void* context) {
  if (dead() || spend()) return gone();
  while (!medium_->settle(false)) {
    medium_->pass(1'000'000'000);
    const Failure busy = fail(Errc::busy, "the journal is held by a process that is gone");
    if (waiting == nullptr || !waiting(context, busy.error())) return busy;
  }
  return {};
}

Result<std::vector<Disk::Slot>> SimulatedDisk::slots() {
  if (dead() || spend()) return gone();
  return medium_->slots();
}

Result<void> SimulatedDisk::read(File file, std::uint64_t offset, std::span<std::byte> into) {
  if (dead() || spend()) return gone();
  if (!medium_->exists(file))
    return fail(Errc::not_found, "no file %u on the simulated disk", file);
  if (role_ == Role::writer && medium_->random.chance(medium_->faults.heal)) {
    medium_->heal(file, offset, into.size());
  }
  const auto found = medium_->read(file, offset, into.size());
  if (!found) return fail_os(EIO, "sectors of file %u cannot be read", file);
  std::ranges::copy(*found, into.begin());
  if (role_ == Role::reader) see_writes_in_flight(file, offset, into);
  return {};
}

// A direct read beside a direct write gives either, sector by sector.
void SimulatedDisk::see_writes_in_flight(File file, std::uint64_t offset,
                                         std::span<std::byte> into) {
  for (const Operation& one : medium_->in_flight()) {
    if (one.kind != Operation::Kind::write || one.file != file) continue;
    for (std::uint64_t at = 0; at < one.content.size(); at += kSectorBytes) {
      const std::uint64_t place = one.offset + at;
      if (place < offset || place >= offset + into.size() || medium_->random.one_in(2)) continue;
      std::memcpy(into.data() + (place - offset), one.content.data() + at, kSectorBytes);
    }
  }
}

Result<void> SimulatedDisk::flush_all() {
  if (dead() || spend()) return gone();
  medium_->flush_everything();
  return {};
}

Result<void> SimulatedDisk::write_block(File file, std::uint64_t offset,
                                        std::span<const std::byte> block) {
  if (dead()) return gone();
  Operation operation;
  operation.durable = true;
  operation.file = file;
  operation.offset = offset;
  operation.bytes = block.size();
  operation.content.assign(block.begin(), block.end());
  if (block.size() != medium_->facts.block_bytes) medium_->object("write_block of another length");
  if (!medium_->exists(file) && file >= kManifestA) medium_->make(file, block.size(), true);
  check_write(operation);
  told(file, offset, block.size(), block);
  medium_->in_flight().push_back(operation);
  if (spend()) return gone();
  medium_->in_flight().pop_back();
  medium_->land(operation, true);
  return {};
}

Result<void> SimulatedDisk::make_buffers(std::size_t count, std::size_t bytes) {
  if (dead()) return gone();
  if (!buffers_.empty()) medium_->object("make_buffers twice");
  buffer_bytes_ = bytes;
  buffers_.resize(count * bytes);
  return {};
}

std::span<std::byte> SimulatedDisk::buffer(std::size_t index) noexcept {
  return std::span(buffers_).subspan(index * buffer_bytes_, buffer_bytes_);
}

// Most within 20 to 200 us, so that neighbours overtake each other; some a thousand times later.
std::uint64_t SimulatedDisk::latency() {
  Random& random = medium_->random;
  const std::uint64_t quick = random.between(20'000, 200'000);
  if (random.chance(medium_->faults.stuck)) return quick * 1000;
  return random.one_in(8) ? quick * 10 : quick;
}

void SimulatedDisk::told(File file, std::uint64_t offset, std::uint64_t bytes,
                         std::span<const std::byte> content) {
  if (watch_) watch_(file, offset, bytes, content);
}

void SimulatedDisk::check_write(const Operation& operation) {
  const std::uint64_t block = medium_->facts.block_bytes;
  if (operation.offset % block != 0 || operation.bytes % block != 0 || operation.bytes == 0) {
    medium_->object("a write that is not aligned to blocks");
  }
  if (operation.offset + operation.bytes > medium_->length(operation.file)) {
    medium_->object("a write beyond the end of its file");
  }
  check_alone(operation);
}

void SimulatedDisk::check_alone(const Operation& operation) {
  const bool overlaps = std::ranges::any_of(medium_->in_flight(), [&](const Operation& one) {
    return one.kind != Operation::Kind::flush && one.file == operation.file &&
           one.offset < operation.offset + operation.bytes &&
           operation.offset < one.offset + one.bytes;
  });
  if (overlaps) medium_->object("two writes of the same block in flight");
}

void SimulatedDisk::begin(Operation operation) {
  begun_.push_back(operation.id);
  if (dead()) return;
  operation.due_ns = medium_->clock() + latency();
  medium_->in_flight().push_back(std::move(operation));
  static_cast<void>(spend());
}

void SimulatedDisk::write(std::uint64_t id, File file, std::uint64_t offset, std::size_t index,
                          std::size_t bytes, bool durable) noexcept {
  Operation operation;
  operation.durable = durable && medium_->facts.durability == Durability::dsync;
  operation.id = id;
  operation.file = file;
  operation.offset = offset;
  operation.bytes = bytes;
  operation.buffer = index;
  if ((index + 1) * buffer_bytes_ > buffers_.size() || bytes > buffer_bytes_) {
    medium_->object("a write from no buffer");
    bytes = 0;
  } else {
    const auto content = buffer(index).first(bytes);
    operation.content.assign(content.begin(), content.end());
  }
  if (!dead()) {
    check_write(operation);
    told(file, offset, bytes, operation.content);
  }
  begin(std::move(operation));
}

void SimulatedDisk::flush(std::uint64_t id, File file) noexcept {
  Operation operation;
  operation.kind = Operation::Kind::flush;
  operation.id = id;
  operation.file = file;
  operation.tick = medium_->tick();
  begin(std::move(operation));
}

void SimulatedDisk::prepare(std::uint64_t id, File file, std::uint64_t bytes) noexcept {
  Operation operation;
  operation.kind = Operation::Kind::prepare;
  operation.id = id;
  operation.file = file;
  operation.bytes = bytes;
  if (!dead()) {
    if (file >= kManifestA) medium_->object("preparation of a manifest");
    check_alone(operation);
    told(file, 0, bytes, {});
  }
  begin(std::move(operation));
}

Result<void> SimulatedDisk::remove(File file) {
  if (dead() || spend()) return gone();
  told(file, 0, medium_->length(file), {});
  medium_->remove(file);
  return {};
}

std::int64_t SimulatedDisk::complete_write(const Operation& operation) {
  const auto now = buffer(operation.buffer).first(operation.content.size());
  if (!std::ranges::equal(now, operation.content)) {
    medium_->object("a buffer was changed while it was written");
  }
  const Faults& faults = medium_->faults;
  Random& random = medium_->random;
  if (!medium_->exists(operation.file)) return -ENOENT;
  if (random.chance(faults.write_error)) {
    medium_->tear(operation);
    return -EIO;
  }
  if (medium_->facts.copy_on_write && random.chance(faults.overwrite_space)) return -ENOSPC;
  if (random.chance(faults.short_write)) {
    Operation part = operation;
    part.content.resize(random.below(operation.bytes / kSectorBytes) * kSectorBytes);
    medium_->land(part, false);
    return static_cast<std::int64_t>(part.content.size());
  }
  medium_->land(operation, operation.durable);
  return static_cast<std::int64_t>(operation.bytes);
}

std::int64_t SimulatedDisk::complete(const Operation& operation) {
  Random& random = medium_->random;
  switch (operation.kind) {
    case Operation::Kind::write: return complete_write(operation);
    case Operation::Kind::flush:
      if (random.chance(medium_->faults.flush_error)) {
        medium_->fail_flush(operation.file, medium_->facts.durability == Durability::buffered);
        return -EIO;
      }
      medium_->flush(operation.file, operation.tick);
      return 0;
    case Operation::Kind::prepare:
      if ((!medium_->exists(operation.file) && medium_->free_bytes() < operation.bytes) ||
          random.chance(medium_->faults.prepare_space)) {
        return -ENOSPC;
      }
      medium_->prepared(operation);
      return 0;
  }
  return -EINVAL;
}

std::size_t SimulatedDisk::wait(std::span<Done> done, std::uint64_t timeout_ns) noexcept {
  std::size_t count = 0;
  if (!dead()) static_cast<void>(spend());
  if (dead()) {
    for (; count < done.size() && !begun_.empty(); ++count) {
      done[count] = {.id = begun_.back(), .result = -EIO};
      begun_.pop_back();
    }
    return count;
  }
  auto& in_flight = medium_->in_flight();
  const auto earlier = [](const Operation& one, const Operation& two) {
    return one.due_ns < two.due_ns;
  };
  const auto first = std::ranges::min_element(in_flight, earlier);
  const std::uint64_t end = medium_->clock() + timeout_ns;
  if (first == in_flight.end() || first->due_ns > end) {
    medium_->pass(timeout_ns);
    return 0;
  }
  if (first->due_ns > medium_->clock()) medium_->pass(first->due_ns - medium_->clock());
  while (count < done.size()) {
    const auto next = std::ranges::min_element(in_flight, earlier);
    if (next == in_flight.end() || next->due_ns > medium_->clock()) break;
    const Operation operation = std::move(*next);
    in_flight.erase(next);
    std::erase(begun_, operation.id);
    done[count++] = {.id = operation.id, .result = complete(operation)};
  }
  return count;
}

}  // namespace millrace::sim
