#include "millrace/persist/journal.hpp"

#include "journal_core.hpp"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

Failure foreign() noexcept {
  return fail(Errc::foreign,
              "this journal belongs to the parent process; a forked child opens its own");
}

std::uint64_t nanoseconds(std::chrono::nanoseconds time) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
}

}  // namespace

Journal::Journal(std::unique_ptr<JournalCore> core) noexcept : core_(std::move(core)) {}

Journal::Journal(Journal&&) noexcept = default;

Journal& Journal::operator=(Journal&& other) noexcept {
  if (core_ && core_->foreign()) (void)core_.release();
  core_ = std::move(other.core_);
  return *this;
}

// A forked child must not touch the disk, not even to close it: the parent goes on with it.
Journal::~Journal() {
  if (core_ && core_->foreign()) (void)core_.release();
}

const RecoveryReport& Journal::recovery() const noexcept {
  return core_->report();
}

const Uuid& Journal::uuid() const noexcept {
  return core_->uuid();
}

const DiskFacts& Journal::disk() const noexcept {
  return core_->facts();
}

const std::vector<JournalLane>& Journal::lanes() const noexcept {
  return core_->catalog().lanes();
}

Result<JournalLaneId> Journal::lane(const Uuid& channel, std::string_view channel_name,
                                    std::string_view producer, std::uint64_t epoch,
                                    Sequence first) {
  if (core_->foreign()) return foreign();
  JournalLane asked;
  asked.channel = channel;
  asked.channel_name = channel_name;
  asked.producer = producer;
  asked.epoch = epoch;
  asked.first = first;
  return core_->lane(asked);
}

std::span<std::byte> Journal::room(std::size_t wanted) noexcept {
  if (core_->foreign()) return {};
  return core_->room(wanted);
}

void Journal::add_run(JournalLaneId lane, Sequence first, std::uint32_t count,
                      std::size_t bytes) noexcept {
  if (core_->foreign()) return;
  layout::TableEntry entry{};
  entry.kind = static_cast<std::uint16_t>(layout::EntryKind::run);
  entry.lane = lane;
  entry.first = first;
  entry.count = count;
  entry.bytes = static_cast<std::uint32_t>(bytes);
  core_->add(entry);
}

void Journal::add_part(JournalLaneId lane, Sequence sequence, std::uint64_t offset,
                       std::uint64_t record_bytes, std::size_t bytes) noexcept {
  if (core_->foreign()) return;
  const bool last = offset + bytes == record_bytes;
  layout::TableEntry entry{};
  entry.kind = static_cast<std::uint16_t>(layout::EntryKind::part);
  entry.flags = static_cast<std::uint16_t>((offset == 0 ? layout::kPartFirst : 0) |
                                           (last ? layout::kPartLast : 0));
  entry.lane = lane;
  entry.first = sequence;
  entry.count = last ? 1 : 0;
  entry.bytes = static_cast<std::uint32_t>(bytes);
  entry.at = static_cast<std::uint32_t>(offset);
  entry.whole = static_cast<std::uint32_t>(record_bytes);
  core_->add(entry);
}

bool Journal::add_acknowledgement(std::string_view subscriber, JournalLaneId lane,
                                  Sequence before) {
  return !core_->foreign() && core_->add_acknowledgement(subscriber, lane, before);
}

bool Journal::add_gap(JournalLaneId lane, Sequence from, Sequence to, std::uint32_t cause) {
  if (core_->foreign()) return false;
  return core_->add_gap({.lane = lane, .cause = cause, .from = from, .to = to});
}

std::size_t Journal::building() const noexcept {
  return core_->building();
}

bool Journal::may_submit() const noexcept {
  return !core_->foreign() && core_->may_submit();
}

std::uint32_t Journal::in_flight() const noexcept {
  return static_cast<std::uint32_t>(core_->writer().submitted() - core_->writer().durable());
}

Result<ItemNumber> Journal::submit() noexcept {
  if (core_->foreign()) return foreign();
  return core_->submit();
}

Result<void> Journal::poll(std::chrono::nanoseconds timeout) noexcept {
  if (core_->foreign()) return foreign();
  return core_->poll(nanoseconds(timeout));
}

std::chrono::nanoseconds Journal::until_wanted() const noexcept {
  return std::chrono::nanoseconds(core_->until_wanted());
}

ItemNumber Journal::written() const noexcept {
  return core_->writer().written();
}

ItemNumber Journal::durable() const noexcept {
  return core_->writer().durable();
}

JournalStats Journal::stats() const {
  return core_->stats();
}

std::optional<Sequence> Journal::acknowledged(std::string_view subscriber,
                                              JournalLaneId lane) const {
  return core_->catalog().acknowledged(subscriber, lane);
}

Result<void> Journal::close() noexcept {
  if (core_->foreign()) return foreign();
  return core_->close();
}

}  // namespace millrace
