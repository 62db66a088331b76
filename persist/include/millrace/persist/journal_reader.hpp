// Reading a journal that somebody else may be writing: no lock, no role, no pins. Copies an item,
// checks its place, number and checksums, and believes nothing else. Ends where durability ends:
// at the newest item that is proven durable by a later one or by the clean end, never in a torn
// tail that recovery might still cut.
//
// Thread rules: one thread at a time for each object; any number of processes.
#pragma once

#include "millrace/core/position.hpp"
#include "millrace/core/result.hpp"
#include "millrace/persist/journal.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace {

struct JournaledMessage {
  JournalLaneId lane = 0;
  Sequence sequence = 0;
  std::uint16_t key = 0;
  std::span<const std::byte> bytes;  // valid until the next call
  std::uint64_t wall_ns = 0;         // when the item was made

  // The last messages of its lane before it that were never journaled: [gap_from, gap_to), equal if
  // there are none. Other numbers that are missing were claims given up, or are lost.
  Sequence gap_from = 0;
  Sequence gap_to = 0;

  // The last ones that were in items which a repair gave up, as far as this reader read or sought
  // the lane before them: [lost_from, lost_to), equal if there are none.
  Sequence lost_from = 0;
  Sequence lost_to = 0;
};

class JournalScan;

class JournalReader {
 public:
  // Errors: not_found (no journal), format, damaged (both manifests), no_permission.
  [[nodiscard]] static Result<JournalReader> open(const std::string& directory);
  [[nodiscard]] static Result<JournalReader> open(std::unique_ptr<Disk> disk);

  JournalReader(JournalReader&&) noexcept;
  JournalReader& operator=(JournalReader&&) noexcept;
  ~JournalReader();

  // A reader of the same log with a place of its own, at the beginning. It shares what this one
  // knows of the log, so it costs no look at the disk; both belong to the same thread. Only the one
  // that opened the log has threads read in advance for it, once it has read a few MiB in a row.
  Result<JournalReader> another() const;

  // Looks again: what has been written, recycled and acknowledged meanwhile.
  Result<void> refresh();

  [[nodiscard]] const std::vector<JournalLane>& lanes() const noexcept;
  [[nodiscard]] std::optional<Sequence> acknowledged(std::string_view subscriber,
                                                     JournalLaneId lane) const;
  [[nodiscard]] const Uuid& uuid() const noexcept;
  [[nodiscard]] std::uint64_t epoch() const noexcept;
  // Bytes behind the last item that is proven durable: an open log's newest, or a torn end.
  [[nodiscard]] std::uint64_t unproven_bytes() const noexcept;

  // Next message of any lane, in the order of the log, from where seek stands (the beginning).
  // Aborted claims and the journal's own records are passed over. Nothing: the durable end.
  // Errors: trimmed (retention was faster, lost() counts where it can), damaged: items that a
  // repair gave up are told once and passed (goes_on), any other damage is met again by the next
  // call.
  Result<std::optional<JournaledMessage>> next();

  // The last next() told of items that a repair gave up; the one after it reads on behind them.
  [[nodiscard]] bool goes_on() const noexcept;

  // Places next() at the first item that may hold this message of this lane; other lanes' messages
  // from there on come too. `proven_below`: sequences of this lane below it are known to be durable
  // from elsewhere (shared memory), so items that hold them count as proven.
  Result<void> seek(JournalLaneId lane, Sequence sequence, Sequence proven_below = 0);
  Result<void> seek_time(std::uint64_t wall_ns);
  void seek_begin() noexcept;

 private:
  explicit JournalReader(std::unique_ptr<JournalScan> scan) noexcept;

  std::unique_ptr<JournalScan> scan_;
};

}  // namespace millrace
