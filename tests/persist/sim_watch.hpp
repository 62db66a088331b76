// Stands between the log and the disk and remembers which item was written where, so that the
// search can tell whether something live was overwritten and whether what was reported durable is.
#pragma once

#include "sim_oracle.hpp"
#include "simulated_disk.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace::sim {

struct WrittenItem {
  Disk::File file = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;    // with padding
  std::uint64_t covered = 0;  // by checksums
  std::uint64_t segment = 0;
  layout::ItemKind kind = layout::ItemKind::batch;
  std::vector<std::byte> before;  // what stood in its place
};

class LogWatch {
 public:
  explicit LogWatch(std::shared_ptr<SimulatedMedium> medium) : medium_(std::move(medium)) {}

  // Calls come before the change. REQUIRES that this outlives the disk.
  [[nodiscard]] SimulatedDisk::Watch watch() {
    return [this](Disk::File file, std::uint64_t offset, std::uint64_t bytes,
                  std::span<const std::byte> content) { see(file, offset, bytes, content); };
  }

  // Every item up to `number` was reported durable, or accepted by a recovery that published it.
  // Empty: it is certain on the medium; else what is wrong.
  [[nodiscard]] std::string promise(ItemNumber number);

  [[nodiscard]] ItemNumber promised() const noexcept { return promised_; }

  // A recovery ended here: numbers above it will come again.
  void cut(ItemNumber end);

  [[nodiscard]] const std::map<ItemNumber, WrittenItem>& items() const noexcept { return items_; }

  // Promised, in a segment that no durable manifest has given up, newest last.
  [[nodiscard]] std::vector<ItemNumber> live() const;

  [[nodiscard]] const std::string& objection() const noexcept { return objection_; }

 private:
  void see(Disk::File file, std::uint64_t offset, std::uint64_t bytes,
           std::span<const std::byte> content);
  void overwrite(Disk::File file, std::uint64_t offset, std::uint64_t bytes);

  std::shared_ptr<SimulatedMedium> medium_;
  std::map<ItemNumber, WrittenItem> items_;
  ItemNumber promised_ = 0;
  std::string objection_;
};

}  // namespace millrace::sim
