// A journal's directory on a real disk, for tests of the engines.
#pragma once

#include "open_disk.hpp"
#include "support/channel_fixture.hpp"
#include "support/disk_scratch.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::testing_support {

inline constexpr std::uint64_t kSlotBytes = std::uint64_t{1} << 20;
inline constexpr std::size_t kBlock = 4096;

// One that needs no measuring.
inline DiskOptions disk_options(const std::string& directory) {
  DiskOptions options;
  options.directory = directory;
  options.create = true;
  options.durability = Durability::dsync;
  return options;
}

// What completes next; nothing if nothing does until the watchdog bites.
inline std::optional<Disk::Done> next_done(Disk& disk) {
  const auto until = std::chrono::steady_clock::now() + kWatchdog;
  std::array<Disk::Done, 1> done{};
  while (std::chrono::steady_clock::now() < until) {
    if (disk.wait(done, 1'000'000'000) == 1) return done[0];
  }
  return std::nullopt;
}

// The result of the one operation under way; a number no disk returns if it never ends.
inline std::int64_t result_of(Disk& disk, std::uint64_t id) {
  const auto done = next_done(disk);
  if (!done) return INT64_MIN;
  EXPECT_EQ(done->id, id);
  return done->result;
}

inline std::int64_t prepared(Disk& disk, Disk::File slot, std::uint64_t bytes = kSlotBytes) {
  disk.prepare(77, slot, bytes);
  return result_of(disk, 77);
}

inline void fill(std::span<std::byte> bytes, unsigned value) {
  std::memset(bytes.data(), static_cast<int>(value), bytes.size());
}

inline std::vector<std::byte> read_back(Disk& disk, Disk::File file, std::uint64_t offset,
                                        std::size_t bytes) {
  std::vector<std::byte> into(bytes);
  const auto got = disk.read(file, offset, into);
  EXPECT_TRUE(got) << said(got);
  return into;
}

inline bool all_are(const std::vector<std::byte>& bytes, unsigned value) {
  for (const std::byte one : bytes) {
    if (one != static_cast<std::byte>(value)) return false;
  }
  return !bytes.empty();
}

}  // namespace millrace::testing_support
