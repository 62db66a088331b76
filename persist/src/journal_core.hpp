// The log while it is open for writing: what Journal is made of. Its parts decide one thing each
// (slots, retention, snapshots, the index); this one keeps them in step.
//
// I1: nothing is overwritten that recovery could need: a slot is used again only when a manifest
//     that no longer counts it is durable, and that only when a newer segment's snapshot is.
// I2: a segment's head is written only when the head before it is durable.
// I3: what the catalog says of a lane's end has been submitted.
#pragma once

#include "aligned_block.hpp"
#include "clock_steps.hpp"
#include "head_snapshot.hpp"
#include "item_builder.hpp"
#include "log_writer.hpp"
#include "manifest_store.hpp"
#include "millrace/core/fork_guard.hpp"
#include "millrace/persist/journal.hpp"
#include "recovered_log.hpp"
#include "retention.hpp"
#include "segment_index.hpp"
#include "slot_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

class JournalCore {
 public:
  // `log` is what recovery accepted, or a fresh manifest with nothing behind it. REQUIRES: the
  // disk is locked and nothing is in flight.
  JournalCore(const JournalOptions& options, std::unique_ptr<Disk> disk, RecoveredLog log);

  // Raises the epoch and makes the first segment's head durable; only then may anybody be told
  // what the log holds.
  Result<void> begin();

  // This slot's segment is repeated by the first one; it is free once that one's head is durable.
  void replaces(Disk::File slot) {
    pool_.know(slot);
    replaced_ = slot;
  }

  [[nodiscard]] bool foreign() const noexcept { return guard_.foreign(); }

  [[nodiscard]] const RecoveryReport& report() const noexcept { return report_; }

  [[nodiscard]] const Uuid& uuid() const noexcept { return uuid_; }

  [[nodiscard]] const DiskFacts& facts() const noexcept { return facts_; }

  [[nodiscard]] const Catalog& catalog() const noexcept { return catalog_; }

  // ---- building (journal_building.cpp) ----
  Result<JournalLaneId> lane(const JournalLane& asked);
  [[nodiscard]] std::span<std::byte> room(std::size_t wanted) noexcept;
  void add(const layout::TableEntry& entry) noexcept;
  bool add_acknowledgement(std::string_view subscriber, JournalLaneId lane, Sequence before);
  bool add_gap(const layout::GapRecord& gap);

  [[nodiscard]] std::size_t building() const noexcept {
    return data_.begun() ? data_.payload_bytes() : 0;
  }

  // ---- writing ----
  [[nodiscard]] bool may_submit() const noexcept;

  [[nodiscard]] const LogWriter& writer() const noexcept { return writer_; }

  Result<ItemNumber> submit() noexcept;
  Result<void> poll(std::uint64_t timeout_ns) noexcept;
  [[nodiscard]] std::uint64_t until_wanted() const noexcept;
  [[nodiscard]] JournalStats stats() const;
  Result<void> close() noexcept;

 private:
  // What the segment that is being written still needs before it takes data (again).
  enum class Step : std::uint8_t {
    open,      // nothing
    sealing,   // it is full: a slot for the next one, then a seal
    heading,   // the head of the next one
    snapshot,  // what did not fit that head
  };

  // Fruitless waits of up to a second, after which a disk is taken for one that never answers.
  static constexpr std::uint32_t kPatience = 1000;

  struct Buffered {
    ItemBuilder builder;
    std::optional<std::size_t> buffer;
  };

  [[nodiscard]] bool start(Buffered& item, layout::ItemKind kind) noexcept;
  [[nodiscard]] bool start_data() noexcept;
  [[nodiscard]] bool place_catalog() noexcept;
  [[nodiscard]] bool goes_with_next_head(const layout::AcknowledgedRecord& record) noexcept;
  [[nodiscard]] Sequence& built_end(JournalLaneId id);
  [[nodiscard]] bool continues(const JournalLane& lane, const layout::TableEntry& entry) noexcept;

  // ---- items (journal_core.cpp) ----
  [[nodiscard]] ItemNumber proven() const noexcept;
  ItemNumber write(Buffered& item, bool content) noexcept;
  void account(const ItemBuilder& item, std::uint64_t offset, ItemNumber number,
               const Disk::Now& now);
  void account_entry(const layout::TableEntry& entry, std::uint64_t offset, ItemNumber number,
                     const Disk::Now& now);
  void account_gaps(std::span<const std::byte> records);
  [[nodiscard]] Failure poisoned() const noexcept;
  [[nodiscard]] Failure cannot_submit() const noexcept;
  [[nodiscard]] Failure silent() const noexcept;
  Result<void> wait_until(bool (*reached)(const JournalCore& core)) noexcept;
  [[nodiscard]] LogState state() const noexcept;

  // ---- segments (journal_segments.cpp) ----
  [[nodiscard]] std::uint64_t seal_room() const noexcept;
  [[nodiscard]] bool fits(std::uint64_t bytes) const noexcept;
  [[nodiscard]] bool slot_for_next();
  void advance() noexcept;
  bool write_seal() noexcept;
  bool write_head() noexcept;
  bool write_snapshot() noexcept;
  void add_segment_head();
  [[nodiscard]] bool finish_snapshot(ItemNumber item);
  [[nodiscard]] bool unwitnessed() const noexcept;
  void write_watermark() noexcept;
  void tick() noexcept;

  // ---- slots (journal_slots.cpp) ----
  [[nodiscard]] bool wants_spare() const noexcept;
  void replenish() noexcept;
  void take_prepared() noexcept;
  Result<void> make_spare(Disk::File file) noexcept;
  void promote_acknowledgements();
  void trim() noexcept;
  void drop_segments(const RetentionPlan& plan);
  Result<void> write_manifest(std::uint64_t first_live, ItemNumber clean_end) noexcept;
  Result<void> begin_epoch(ItemNumber end) noexcept;
  Result<void> first_slot() noexcept;

  ForkGuard guard_;
  std::unique_ptr<Disk> disk_;
  DiskFacts facts_;
  ManifestStore manifests_;
  Uuid uuid_{};
  RecoveryReport report_;
  JournalOptions options_;
  RetentionRule retention_;

  Catalog catalog_;
  std::vector<Sequence> built_ends_;        // by lane, with what is being built
  std::vector<JournalLaneId> to_announce_;  // lanes whose record must come before their messages
  std::string fault_;                       // the caller's: its item is not written

  std::vector<SegmentInfo> segments_;  // live, ascending; the last one is being written
  SlotPool pool_;
  SegmentIndex index_;
  HeadSnapshot snapshot_;
  ClockSteps clock_;
  LogWriter writer_;
  Buffered data_item_;
  Buffered own_item_;
  ItemBuilder& data_ = data_item_.builder;

  Step step_ = Step::heading;
  bool begun_ = false;
  bool closing_ = false;                 // no spare is begun any more
  std::optional<Disk::File> replaced_;   // spare once the first head is durable
  std::uint32_t last_crc_ = 0;           // of the last item that was submitted
  std::optional<Disk::File> next_slot_;  // of the next segment
  std::uint64_t next_segment_;           // its number
  ItemNumber snapshot_end_ = 0;          // last item of the newest segment's snapshot
  ItemNumber content_ = 0;               // last item whose loss somebody would notice
  ItemNumber witnessed_ = 0;             // `durable` of the last item
  std::uint64_t idle_since_ns_ = 0;

  bool retention_due_ = true;
  std::uint64_t retention_at_ns_ = 0;  // looked at again, for the sake of age
  bool acknowledged_since_ = false;    // what promoting_ does not hold
  Catalog promoting_;                  // acknowledgements as of item promoting_at_
  ItemNumber promoting_at_ = 0;        // 0: nothing
  Catalog durable_acknowledged_;       // what retention may count on

  int prepare_error_ = 0;  // of the last preparation
  std::uint64_t prepare_at_ns_ = 0;
  std::uint64_t items_ = 0;
  std::uint64_t payload_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;
  std::vector<std::string> let_go_;
};

}  // namespace millrace
