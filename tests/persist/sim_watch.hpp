// Stands between the log and the disk and remembers which item was written where, so that the
// search can tell whether something live was overwritten and whether what was reported durable is.
#pragma once

#include "sim_oracle.hpp"
#include "simulated_disk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
  ItemNumber witness = 0;         // every item up to it had been reported when this one was written
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

  // Every item up to `number` was reported durable. Those up to `recovered` were accepted by a
  // recovery that published them, and may stand where an earlier life wrote them. Empty: they are
  // certain on the medium; else what is wrong.
  [[nodiscard]] std::string promise(ItemNumber number, ItemNumber recovered = 0);

  [[nodiscard]] ItemNumber promised() const noexcept { return promised_; }

  // What was promised beyond `end` rests on something else than items.
  void withdraw(ItemNumber end) noexcept { promised_ = std::min(promised_, end); }

  // While this holds, a recovery that promises less may use numbers again.
  void let_withdraw(bool may) noexcept { may_withdraw_ = may; }

  // A recovery ended here: numbers above it will come again.
  void cut(ItemNumber end);

  [[nodiscard]] const std::map<ItemNumber, WrittenItem>& items() const noexcept { return items_; }

  // That item `number` was written to the last time; 0: never.
  [[nodiscard]] std::uint64_t segment_of(ItemNumber number) const {
    const auto found = segments_.find(number);
    return found == segments_.end() ? 0 : found->second;
  }

  // Was its number written before, by a life whose item was cut?
  [[nodiscard]] bool has_older(ItemNumber number) const { return again_.contains(number); }

  // Promised, in a segment that no durable manifest has given up, newest last.
  [[nodiscard]] std::vector<ItemNumber> live() const;

  // The highest item that had been reported when something was written whose header can still be
  // read on `medium`: whatever the header says, it is a witness.
  [[nodiscard]] ItemNumber witnessed(const SimulatedMedium& medium) const;

  [[nodiscard]] const std::string& objection() const noexcept { return objection_; }

 private:
  void see(Disk::File file, std::uint64_t offset, std::uint64_t bytes,
           std::span<const std::byte> content);
  void overwrite(Disk::File file, std::uint64_t offset, std::uint64_t bytes);
  [[nodiscard]] bool stands(ItemNumber number, const WrittenItem& item) const;
  [[nodiscard]] bool find_older(ItemNumber number);

  std::shared_ptr<SimulatedMedium> medium_;
  std::map<ItemNumber, WrittenItem> items_;
  std::multimap<ItemNumber, WrittenItem> older_;  // the same numbers, written before
  std::map<ItemNumber, std::uint64_t> segments_;
  std::set<ItemNumber> again_;
  std::set<ItemNumber> let_go_;  // overwritten before they were promised, and needed by nobody
  ItemNumber promised_ = 0;
  bool may_withdraw_ = false;
  std::string objection_;
};

}  // namespace millrace::sim
