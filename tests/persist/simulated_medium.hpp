// What a disk holds, sector by sector, and what may become of it when the power fails. The medium
// outlives processes: a SimulatedDisk is one process's handle on it. A copy of it is a fork of the
// world: both go on from the same bytes and the same chance.
//
// A sector is certain, or unsure: what a read gives (the device's cache) is not what a power cut
// leaves. Writes in flight belong to the medium too, because they outlive the process that began
// them.
//
// Thread rules: one thread.
#pragma once

#include "sim_random.hpp"

#include <millrace/persist/disk.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace millrace::sim {

inline constexpr std::size_t kSectorBytes = 512;

// How a history is interrupted.
enum class Crash : std::uint8_t {
  kill = 0,    // the process dies; its writes land later; caches and shared memory stay
  power = 1,   // volatile sectors by coin, writes in flight torn, another boot, no shared memory
  reboot = 2,  // an orderly one without close(): everything lands and is flushed, another boot
};

// Chances per thousand. All zero: a disk that only crashes.
struct Faults {
  std::uint32_t write_error = 0;      // EIO; the sectors hold anything
  std::uint32_t overwrite_space = 0;  // ENOSPC on an overwrite (copy on write, thin storage)
  std::uint32_t short_write = 0;      // fewer bytes than asked for
  std::uint32_t flush_error = 0;      // EIO; in mode C the pages are clean afterwards
  std::uint32_t prepare_space = 0;    // ENOSPC though there was room
  std::uint32_t heal = 0;             // a sector that could not be read can be, from then on
  std::uint32_t stuck = 20;           // writes that take a thousand times as long
};

struct Operation {
  enum class Kind : std::uint8_t { write, flush, prepare };
  Kind kind = Kind::write;
  bool durable = false;
  std::uint64_t id = 0;
  Disk::File file = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;         // of a preparation: length of the slot
  std::size_t buffer = 0;          // of a write: where it came from
  std::vector<std::byte> content;  // of a write: as it was submitted
  std::uint64_t tick = 0;          // of a flush: what completed before it is covered
  std::uint64_t due_ns = 0;        // completes then
};

class SimulatedMedium {
 public:
  SimulatedMedium(std::uint64_t seed, DiskFacts facts, std::uint64_t capacity);

  // ---- files ----
  [[nodiscard]] bool exists(Disk::File file) const { return files_.contains(file); }

  [[nodiscard]] std::uint64_t length(Disk::File file) const;
  [[nodiscard]] std::vector<Disk::Slot> slots() const;
  [[nodiscard]] std::uint64_t free_bytes() const;
  void make(Disk::File file, std::uint64_t bytes, bool durable);
  void remove(Disk::File file);

  // What a process reads; empty where some sector cannot be read or lies outside.
  [[nodiscard]] std::optional<std::span<const std::byte>> read(Disk::File file,
                                                               std::uint64_t offset,
                                                               std::size_t bytes) const;
  // Would these bytes be the same after a power cut, whatever it does?
  [[nodiscard]] bool certain(Disk::File file, std::uint64_t offset, std::size_t bytes) const;

  // ---- operations ----
  // The completed write of `operation` has reached the device; `durable`: also the medium.
  void land(const Operation& operation, bool durable);
  // Like land(), but each sector is anything that a write in flight may leave.
  void tear(const Operation& operation);
  // As a full preparation: the pattern, on the medium, and the name in the directory.
  void prepared(const Operation& operation);
  // A flush that was submitted at `tick` succeeds.
  void flush(Disk::File file, std::uint64_t tick);
  void flush_everything();
  // A flush fails. `forget`: the cache calls its pages clean, and no later flush writes them.
  void fail_flush(Disk::File file, bool forget);

  [[nodiscard]] std::uint64_t tick() const noexcept { return tick_; }

  std::vector<Operation>& in_flight() noexcept { return in_flight_; }

  [[nodiscard]] const std::vector<Operation>& in_flight() const noexcept { return in_flight_; }

  // ---- crashes ----
  void crash(Crash kind);

  // Which life of the process this is; a handle of an earlier one is dead.
  [[nodiscard]] std::uint64_t life() const noexcept { return life_; }

  // Crashes by itself when so many more operations have begun; 0 disarms.
  void crash_after(std::uint64_t operations, Crash kind) noexcept;
  // Counts one operation that has begun; true: that was the last one.
  bool spend();
  // Lands some of what a dead process left in flight; true: nothing is left, the lock is free.
  bool settle(bool all);

  // ---- damage, for after a crash ----
  void poke(Disk::File file, std::uint64_t offset, std::span<const std::byte> bytes);
  void flip(Disk::File file, std::uint64_t bit);
  void make_unreadable(Disk::File file, std::uint64_t offset);
  void heal(Disk::File file, std::uint64_t offset, std::size_t bytes);

  // ---- time ----
  [[nodiscard]] Disk::Now now() const noexcept;

  [[nodiscard]] std::uint64_t clock() const noexcept { return clock_ns_; }

  void pass(std::uint64_t nanoseconds) noexcept { clock_ns_ += nanoseconds; }

  void step_wall(std::int64_t nanoseconds) noexcept {
    wall_offset_ns_ += static_cast<std::uint64_t>(nanoseconds);
  }

  // Every byte that a process could read, every name, every unreadable sector.
  [[nodiscard]] bool same_bytes(const SimulatedMedium& other) const;

  // What the log above did that no device allows: overlapping writes, a buffer that changed while
  // it was written. The first one; empty is good.
  std::string objection;

  void object(const std::string& sentence) {
    if (objection.empty()) objection = sentence;
  }

  DiskFacts facts;
  Faults faults;
  std::uint64_t slots_written = 0;  // with the pattern, from end to end
  std::uint64_t capacity;
  Random random;

 private:
  using Sector = std::array<std::byte, kSectorBytes>;

  struct Unsure {
    Sector stable;           // what a power cut may bring back
    std::uint64_t tick = 0;  // when it was written
    bool forgotten = false;  // no flush will write it
  };

  struct File {
    std::vector<std::byte> bytes;
    std::map<std::uint32_t, Unsure> unsure;
    std::set<std::uint32_t> unreadable;
    bool name_durable = false;
  };

  enum class Torn : std::uint8_t { nothing, everything, beginning, coins, anything };

  [[nodiscard]] static std::span<std::byte> sector(File& file, std::uint32_t index) noexcept;
  void put(File& file, std::uint32_t index, std::span<const std::byte> bytes, bool durable);
  void tear_sector(File& file, std::uint32_t index, std::span<const std::byte> bytes, Torn how);
  void tear_preparation(const Operation& operation);
  void lose_power();
  void interrupt_operations(Crash kind);

  std::map<Disk::File, File> files_;
  std::map<Disk::File, File> unlinked_;  // a power cut may bring these names back
  std::vector<Operation> in_flight_;
  std::uint64_t tick_ = 1;
  std::uint64_t life_ = 1;
  std::uint64_t boot_ = 1;
  std::uint64_t fuse_ = 0;
  Crash fuse_kind_ = Crash::kill;
  std::uint64_t clock_ns_ = 1'000'000'000;
  std::uint64_t booted_ns_ = 0;
  std::uint64_t wall_offset_ns_ = 1'700'000'000'000'000'000;
};

}  // namespace millrace::sim
