#include "simulated_medium.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::sim {

SimulatedMedium::SimulatedMedium(std::uint64_t seed, DiskFacts device, std::uint64_t room)
    : facts(std::move(device)), capacity(room), random(seed) {}

std::uint64_t SimulatedMedium::length(Disk::File file) const {
  const auto found = files_.find(file);
  return found == files_.end() ? 0 : found->second.bytes.size();
}

std::vector<Disk::Slot> SimulatedMedium::slots() const {
  std::vector<Disk::Slot> all;
  for (const auto& [name, file] : files_) {
    if (name < Disk::kManifestA) all.push_back({name, file.bytes.size()});
  }
  return all;
}

std::uint64_t SimulatedMedium::free_bytes() const {
  std::uint64_t used = 0;
  for (const Disk::Slot& slot : slots())
    used += slot.bytes;
  return used < capacity ? capacity - used : 0;
}

void SimulatedMedium::make(Disk::File file, std::uint64_t bytes, bool durable) {
  File made;
  made.bytes.resize(bytes);
  made.name_durable = durable;
  files_.insert_or_assign(file, std::move(made));
  if (durable) unlinked_.erase(file);
}

void SimulatedMedium::remove(Disk::File file) {
  const auto found = files_.find(file);
  if (found == files_.end()) return;
  if (found->second.name_durable) unlinked_.insert_or_assign(file, std::move(found->second));
  files_.erase(found);
}

std::optional<std::span<const std::byte>> SimulatedMedium::read(Disk::File file,
                                                                std::uint64_t offset,
                                                                std::size_t bytes) const {
  const auto found = files_.find(file);
  if (found == files_.end()) return std::nullopt;
  const File& it = found->second;
  if (offset > it.bytes.size() || bytes > it.bytes.size() - offset) return std::nullopt;
  const auto bad = it.unreadable.lower_bound(static_cast<std::uint32_t>(offset / kSectorBytes));
  if (bad != it.unreadable.end() && *bad * kSectorBytes < offset + bytes) return std::nullopt;
  return std::span<const std::byte>(it.bytes).subspan(offset, bytes);
}

bool SimulatedMedium::certain(Disk::File file, std::uint64_t offset, std::size_t bytes) const {
  const auto found = files_.find(file);
  if (found == files_.end() || !found->second.name_durable) return false;
  const auto unsure =
      found->second.unsure.lower_bound(static_cast<std::uint32_t>(offset / kSectorBytes));
  if (unsure != found->second.unsure.end() && unsure->first * kSectorBytes < offset + bytes) {
    return false;
  }
  if (!read(file, offset, bytes)) return false;
  return std::ranges::none_of(in_flight_, [&](const Operation& one) {
    return one.kind != Operation::Kind::flush && one.file == file && one.offset < offset + bytes &&
           offset < one.offset + one.bytes;
  });
}

std::span<std::byte> SimulatedMedium::sector(File& file, std::uint32_t index) noexcept {
  return std::span(file.bytes).subspan(std::size_t{index} * kSectorBytes, kSectorBytes);
}

void SimulatedMedium::put(File& file, std::uint32_t index, std::span<const std::byte> bytes,
                          bool durable) {
  const auto place = sector(file, index);
  file.unreadable.erase(index);
  if (durable) {
    file.unsure.erase(index);
  } else {
    Unsure& unsure = file.unsure.try_emplace(index).first->second;
    if (unsure.tick == 0) std::ranges::copy(place, unsure.stable.begin());
    unsure.tick = tick_;
    unsure.forgotten = false;
  }
  std::ranges::copy(bytes, place.begin());
}

void SimulatedMedium::land(const Operation& operation, bool durable) {
  const auto found = files_.find(operation.file);
  if (found == files_.end()) return;
  ++tick_;
  const std::span<const std::byte> content(operation.content);
  const auto first = static_cast<std::uint32_t>(operation.offset / kSectorBytes);
  for (std::size_t done = 0; done < content.size(); done += kSectorBytes) {
    put(found->second, first + static_cast<std::uint32_t>(done / kSectorBytes),
        content.subspan(done, kSectorBytes), durable);
  }
}

void SimulatedMedium::tear_sector(File& file, std::uint32_t index, std::span<const std::byte> bytes,
                                  Torn how) {
  const std::uint64_t outcome = how == Torn::everything ? 1
                                : how == Torn::coins    ? random.below(2)
                                                        : random.below(4);
  if (outcome == 0) return;
  if (outcome == 1) return put(file, index, bytes, true);
  put(file, index, bytes, true);
  if (outcome == 2) {
    for (std::byte& one : sector(file, index))
      one = static_cast<std::byte>(random.next());
  } else {
    file.unreadable.insert(index);
  }
}

void SimulatedMedium::tear(const Operation& operation) {
  const auto found = files_.find(operation.file);
  if (found == files_.end()) return;
  auto how = static_cast<Torn>(random.below(5));
  if (how == Torn::nothing) return;
  const std::span<const std::byte> content(operation.content);
  std::size_t sectors = content.size() / kSectorBytes;
  if (how == Torn::beginning) {
    sectors = random.below(sectors + 1);
    how = Torn::everything;
  }
  const auto first = static_cast<std::uint32_t>(operation.offset / kSectorBytes);
  for (std::uint32_t index = 0; index < sectors; ++index) {
    tear_sector(found->second, first + index,
                content.subspan(std::size_t{index} * kSectorBytes, kSectorBytes), how);
  }
}

namespace {

void fill_with_pattern(std::span<std::byte> bytes) {
  for (std::size_t done = 0; done < bytes.size(); done += sizeof kPreparedPattern) {
    std::memcpy(bytes.data() + done, &kPreparedPattern, sizeof kPreparedPattern);
  }
}

}  // namespace

void SimulatedMedium::prepared(const Operation& operation) {
  make(operation.file, operation.bytes, true);
  fill_with_pattern(files_.at(operation.file).bytes);
  ++slots_written;
}

// A background thread writes the pattern through; a crash finds it at any place.
void SimulatedMedium::tear_preparation(const Operation& operation) {
  if (!exists(operation.file)) {
    if (random.one_in(3)) return;
    const std::uint64_t sectors = operation.bytes / kSectorBytes;
    make(operation.file, (random.one_in(3) ? random.below(sectors) : sectors) * kSectorBytes,
         random.one_in(2));
  }
  File& file = files_.at(operation.file);
  Sector pattern{};
  fill_with_pattern(pattern);
  const auto sectors = static_cast<std::uint32_t>(file.bytes.size() / kSectorBytes);
  const std::uint64_t written = random.below(sectors + 1);
  ++tick_;
  for (std::uint32_t index = 0; index < written; ++index) {
    if (!random.one_in(8)) put(file, index, pattern, random.one_in(2));
  }
}

void SimulatedMedium::flush(Disk::File file, std::uint64_t tick) {
  const auto found = files_.find(file);
  if (found == files_.end()) return;
  std::erase_if(found->second.unsure, [tick](const auto& one) {
    return one.second.tick <= tick && !one.second.forgotten;
  });
}

void SimulatedMedium::flush_everything() {
  for (auto& [name, file] : files_) {
    flush(name, tick_);
    file.name_durable = true;
  }
  unlinked_.clear();
}

void SimulatedMedium::fail_flush(Disk::File file, bool forget) {
  const auto found = files_.find(file);
  if (found == files_.end() || !forget) return;
  for (auto& [index, unsure] : found->second.unsure)
    unsure.forgotten = true;
}

void SimulatedMedium::poke(Disk::File file, std::uint64_t offset,
                           std::span<const std::byte> bytes) {
  const auto found = files_.find(file);
  if (found == files_.end() || offset + bytes.size() > found->second.bytes.size()) return;
  std::ranges::copy(bytes, found->second.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

void SimulatedMedium::flip(Disk::File file, std::uint64_t bit) {
  files_.at(file).bytes.at(bit / 8) ^= std::byte{1} << (bit % 8);
}

void SimulatedMedium::make_unreadable(Disk::File file, std::uint64_t offset) {
  files_.at(file).unreadable.insert(static_cast<std::uint32_t>(offset / kSectorBytes));
}

void SimulatedMedium::heal(Disk::File file, std::uint64_t offset, std::size_t bytes) {
  std::erase_if(files_.at(file).unreadable, [&](std::uint32_t index) {
    return index * kSectorBytes < offset + bytes && offset < (index + 1) * kSectorBytes;
  });
}

Disk::Now SimulatedMedium::now() const noexcept {
  Disk::Now now;
  now.wall_ns = wall_offset_ns_ + clock_ns_;
  now.boot_ns = clock_ns_ - booted_ns_;
  const std::uint64_t words[2] = {Random::mixed(boot_), boot_};
  std::memcpy(now.boot_id, words, sizeof now.boot_id);
  return now;
}

bool SimulatedMedium::same_bytes(const SimulatedMedium& other) const {
  return std::ranges::equal(files_, other.files_, [](const auto& one, const auto& two) {
    return one.first == two.first && one.second.bytes == two.second.bytes &&
           one.second.unreadable == two.second.unreadable;
  });
}

}  // namespace millrace::sim
