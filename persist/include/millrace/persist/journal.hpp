// The log itself: append items, know what is durable, find and check what is there. It knows
// nothing of channels in shared memory; recorder.hpp joins the two.
//
//   auto journal = Journal::open({.directory = "/var/lib/orders"});   // lock, recover, new epoch
//   auto room = journal->room(lane, bytes);          // in a private, registered buffer
//   copy(room); journal->add_run(lane, first_sequence, count, bytes);
//   journal->submit();                               // one item, one write
//   journal->poll(timeout);  journal->durable();     // number of the last item that is durable
//
// Thread rules: one thread, the one that opened it. In a forked child every call returns foreign.
#pragma once

#include "millrace/core/position.hpp"
#include "millrace/core/result.hpp"
#include "millrace/core/unique_number.hpp"
#include "millrace/persist/disk.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

using JournalLaneId = std::uint32_t;  // of a {channel, producer} in this log, for ever
using ItemNumber = std::uint64_t;     // dense over everything in the log, from 1

struct Retention {
  std::uint64_t bytes = 0;          // 0: the smaller of 10 GiB and a quarter of the free space
  std::chrono::nanoseconds age{0};  // 0: any
  bool acknowledged = false;        // keep what a remembered subscriber has not acknowledged
  std::uint64_t acknowledged_lag_bytes = 0;  // beyond it that subscriber is let go; 0: `bytes`
};

// Shared memory's word for it: every message of this lane below `durable` was reported durable in
// this boot, so a log that ends before it is damaged.
struct DurableWitness {
  Uuid channel{};
  std::string producer{};
  std::uint64_t epoch = 0;
  Sequence durable = 0;
  Uuid log{};  // it is durable in; null: in whichever is opened
};

struct JournalOptions {
  std::string directory;
  bool create = true;
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;  // of a new journal: 64 KiB to 1 GiB
  std::uint32_t depth = 4;                                // of a new journal: 1 to 4
  // Largest item of a new journal: 8 KiB to 1 MiB; at most an eighth of a segment is used of it.
  std::uint64_t item_bytes = std::uint64_t{256} << 10;
  Retention retain{};
  bool compress = false;                   // lz4, per item, where it helps
  bool allow_volatile = false;             // tmpfs and the like
  bool trust_file_system = false;          // nfs, cifs, fuse
  std::optional<Durability> durability{};  // unset: calibrated at creation
  bool wait_for_lock = false;              // a busy journal: wait for its holder, without bound
  std::uint32_t spares = 2;                // slots kept ready, prepared in the background

  // Asked once the lock is held, before the log is recovered: what shared memory knows.
  std::function<Result<std::vector<DurableWitness>>()> witnesses{};
};

struct JournalLane {
  JournalLaneId id = 0;
  Uuid channel{};
  std::string channel_name{};
  std::string producer{};
  std::uint64_t epoch = 0;  // of the lane's file that was journaled last
  std::uint64_t life = 0;   // how many such files the log has seen, from 1
  Sequence first = 0;       // oldest message still in the log
  Sequence end = 0;         // one past its newest message
};

// What opening found. Everything it says about loss is bounded by the words of DESIGN 9.
struct RecoveryReport {
  bool created = false;
  bool clean = false;  // the last persister left in good order
  std::uint64_t segments = 0;
  ItemNumber end = 0;                  // last item accepted
  std::uint64_t cut_bytes = 0;         // of a torn end
  std::uint64_t cut_items = 0;         // valid items behind it that nobody was told of
  bool window = false;                 // damage to the last reports could look like this cut
  std::uint64_t unreadable_slots = 0;  // set aside
  std::uint64_t nanoseconds = 0;
};

enum class LogState : std::uint8_t { ok, full, poisoned };

struct JournalStats {
  LogState state = LogState::ok;
  int error = 0;
  ItemNumber submitted = 0;
  ItemNumber durable = 0;
  std::uint64_t epoch = 0;
  std::uint64_t items = 0;          // since it was opened, as the rest
  std::uint64_t payload_bytes = 0;  // records as they lie in the rings
  std::uint64_t written_bytes = 0;  // with headers and padding
  std::uint64_t flushes = 0;
  std::uint64_t segments_live = 0;
  std::uint64_t spares = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t write_ns_p50 = 0, write_ns_p99 = 0, write_ns_p999 = 0, write_ns_max = 0;
  std::vector<std::string> let_go;  // subscribers that held segments for too long
};

class JournalCore;

class Journal {
 public:
  // Locks, recovers and begins a new epoch. Errors: not_found, busy (names the pid), format,
  // damaged (nothing was changed; the sentence names segment, offset and what is affected),
  // unsupported (the file system cannot be believed), no_space, no_permission.
  [[nodiscard]] static Result<Journal> open(const JournalOptions& options);

  // The same on any disk.
  [[nodiscard]] static Result<Journal> open(const JournalOptions& options,
                                            std::unique_ptr<Disk> disk);

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();  // without close(): as if the process had died

  [[nodiscard]] const RecoveryReport& recovery() const noexcept;
  [[nodiscard]] const Uuid& uuid() const noexcept;
  [[nodiscard]] const DiskFacts& disk() const noexcept;
  [[nodiscard]] const std::vector<JournalLane>& lanes() const noexcept;

  // The number of this producer's lane; a new one is written to the catalog, in the next item at
  // the latest. Another `epoch` than the last begins a new life. Errors: too_many, damaged
  // (`first` is not the end of what the log holds and no gap was said).
  Result<JournalLaneId> lane(const Uuid& channel, std::string_view channel_name,
                             std::string_view producer, std::uint64_t epoch, Sequence first);

  // Room for at most `wanted` bytes of records in the item that is being built; empty if the item
  // is full or no buffer is free (submit, poll, ask again). Valid until the next call.
  [[nodiscard]] std::span<std::byte> room(std::size_t wanted) noexcept;

  // `bytes` at the beginning of the last room() are `count` whole records of the lane.
  void add_run(JournalLaneId lane, Sequence first, std::uint32_t count, std::size_t bytes) noexcept;

  // One part of a record that is longer than an item; `offset` of `record_bytes`.
  void add_part(JournalLaneId lane, Sequence sequence, std::uint64_t offset,
                std::uint64_t record_bytes, std::size_t bytes) noexcept;

  // Small records of the journal's own; false: no room in this item, a gap that does not begin at
  // the lane's end, or more acknowledgements than an eighth of a segment holds.
  bool add_acknowledgement(std::string_view subscriber, JournalLaneId lane, Sequence before);
  bool add_gap(JournalLaneId lane, Sequence from, Sequence to, std::uint32_t cause);

  // Payload bytes in the item being built; 0: nothing to submit.
  [[nodiscard]] std::size_t building() const noexcept;
  // May submit() be called now (depth, buffers, state)?
  [[nodiscard]] bool may_submit() const noexcept;
  [[nodiscard]] std::uint32_t in_flight() const noexcept;

  // Writes the item being built. Errors: no_space (no slot is left: goes on by itself when there is
  // room again, call poll), busy (may_submit() is false: call poll), journal_poisoned, bad_argument
  // (nothing is being built, or a run did not continue its lane). The item stays as it is on error.
  Result<ItemNumber> submit() noexcept;

  // Waits for completions, at most so long (0: only looks), and moves durable(). Prepares spares,
  // recycles segments, writes watermarks when idle. Errors: journal_poisoned, for ever: open it
  // anew.
  Result<void> poll(std::chrono::nanoseconds timeout) noexcept;

  // Within this time poll() wants to be called: an idle log has a last thing to say, or a slot that
  // could not be made is asked for again. At most a second.
  [[nodiscard]] std::chrono::nanoseconds until_wanted() const noexcept;

  // Every item up to this one is written, so that a flush begun now makes it durable; equal to
  // durable() where a write is durable when it completes.
  [[nodiscard]] ItemNumber written() const noexcept;

  // Every item up to this one is durable. Never goes back.
  [[nodiscard]] ItemNumber durable() const noexcept;

  [[nodiscard]] JournalStats stats() const;

  // What a remembered subscriber had acknowledged, as far as the log knows.
  [[nodiscard]] std::optional<Sequence> acknowledged(std::string_view subscriber,
                                                     JournalLaneId lane) const;

  // Waits for everything in flight, writes the clean end, gives the lock back.
  Result<void> close() noexcept;

 private:
  explicit Journal(std::unique_ptr<JournalCore> core) noexcept;

  std::unique_ptr<JournalCore> core_;
};

}  // namespace millrace
