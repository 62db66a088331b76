// What may go into the item that is being built, and in which order.
#include "journal_core.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace millrace {
namespace {

// A snapshot of everything must leave most of a segment to what it is for.
constexpr std::uint64_t kSnapshotShare = 8;

template <class Record>
std::span<const std::byte> bytes_of(const Record& record) noexcept {
  return std::as_bytes(std::span(&record, 1));
}

// Those of the same subscriber and lane get its place.
void replace(std::span<std::byte> records, const layout::AcknowledgedRecord& by) noexcept {
  for (; records.size() >= sizeof by; records = records.subspan(sizeof by)) {
    layout::AcknowledgedRecord record;
    std::memcpy(&record, records.data(), sizeof record);
    const bool same = record.lane == by.lane &&
                      std::memcmp(record.subscriber, by.subscriber, sizeof by.subscriber) == 0;
    if (same) std::memcpy(records.data(), &by, sizeof by);
  }
}

Result<void> check_name(std::string_view what, std::string_view name) {
  if (!name.empty() && name.size() < layout::kJournalNameBytes) return {};
  return fail(Errc::bad_argument, "a %.*s in a journal has a name of 1 to %zu bytes, not %zu",
              static_cast<int>(what.size()), what.data(), layout::kJournalNameBytes - 1,
              name.size());
}

}  // namespace

bool JournalCore::start(Buffered& item, layout::ItemKind kind) noexcept {
  if (item.buffer || !disk_) return item.buffer.has_value();
  item.buffer = writer_.take_buffer();
  if (!item.buffer) return false;
  item.builder.begin(kind, disk_->buffer(*item.buffer));
  return true;
}

bool JournalCore::start_data() noexcept {
  if (data_.begun()) return true;
  if (writer_.error() != 0 || !start(data_item_, layout::ItemKind::batch)) return false;
  if (const Disk::Now now = disk_->now(); clock_.stepped(now)) {
    const layout::ClockRecord record = clock_.record(now, manifests_.now().boot);
    (void)data_.add_record(layout::EntryKind::clock, bytes_of(record));
  }
  return true;
}

// A lane's record comes before its messages: nothing else goes in until it has.
bool JournalCore::place_catalog() noexcept {
  while (!to_announce_.empty()) {
    const JournalLane* const lane = catalog_.find(to_announce_.front());
    const layout::CatalogRecord record = to_record(*lane);
    if (!data_.add_record(layout::EntryKind::catalog, bytes_of(record))) return false;
    to_announce_.erase(to_announce_.begin());
  }
  return true;
}

Sequence& JournalCore::built_end(JournalLaneId id) {
  if (built_ends_.size() <= id) built_ends_.resize(id + std::size_t{1}, 0);
  return built_ends_[id];
}

Result<JournalLaneId> JournalCore::lane(const JournalLane& asked) {
  if (auto named = check_name("producer", asked.producer); !named) return Failure(named.error());
  if (auto named = check_name("channel", asked.channel_name); !named) {
    return Failure(named.error());
  }
  JournalLane* const known = catalog_.find(asked.channel, asked.producer);
  JournalLane next = known == nullptr ? asked : *known;
  if (known == nullptr) {
    const std::uint64_t most = std::min<std::uint64_t>(
        Catalog::kLanesMaxInLog,
        manifests_.now().segment_bytes / kSnapshotShare / sizeof(layout::CatalogRecord));
    if (catalog_.lanes().size() >= most) {
      return fail(Errc::too_many,
                  "the journal in %s has %zu lanes already, as many as its segments allow; record "
                  "\"%s\" into another directory",
                  options_.directory.c_str(), catalog_.lanes().size(), asked.channel_name.c_str());
    }
    next.id = catalog_.lanes().empty() ? 1 : catalog_.lanes().back().id + 1;
    next.life = 1;
    next.end = asked.first;
  } else {
    const Sequence end = built_end(known->id);
    if (asked.first != end) {
      return fail(Errc::damaged,
                  "the journal in %s ends at message %" PRIu64
                  " of producer \"%s\" on channel "
                  "\"%s\", and is asked to go on at %" PRIu64 ", with no gap said",
                  options_.directory.c_str(), end, asked.producer.c_str(),
                  asked.channel_name.c_str(), asked.first);
    }
    if (known->epoch == asked.epoch) return known->id;
    next.epoch = asked.epoch;
    next.life += 1;
  }
  if (!catalog_.apply(to_record(next))) {
    return fail(Errc::damaged, "the catalog of the journal in %s does not take producer \"%s\"",
                options_.directory.c_str(), asked.producer.c_str());
  }
  if (known == nullptr) built_end(next.id) = asked.first;
  to_announce_.push_back(next.id);
  if (start_data()) (void)place_catalog();
  return next.id;
}

std::span<std::byte> JournalCore::room(std::size_t wanted) noexcept {
  if (!start_data() || !place_catalog()) return {};
  return data_.room(wanted);
}

bool JournalCore::continues(const JournalLane& lane, const layout::TableEntry& entry) noexcept {
  Sequence& end = built_end(lane.id);
  if (entry.first != end) return false;
  end += entry.count;
  return true;
}

void JournalCore::add(const layout::TableEntry& entry) noexcept {
  const JournalLane* const lane = catalog_.find(entry.lane);
  if (lane != nullptr && continues(*lane, entry)) return data_.add(entry);
  if (!fault_.empty()) return;
  char sentence[Error::kSentenceBytes];
  std::snprintf(sentence, sizeof sentence,
                "lane %" PRIu32 " of the journal in %s ends at %" PRIu64
                " and was given message %" PRIu64 ": a mistake in the program that records",
                entry.lane, options_.directory.c_str(), lane == nullptr ? 0 : built_end(lane->id),
                entry.first);
  fault_ = sentence;
}

bool JournalCore::add_acknowledgement(std::string_view subscriber, JournalLaneId lane,
                                      Sequence before) {
  const std::uint64_t most =
      manifests_.now().segment_bytes / kSnapshotShare / sizeof(layout::AcknowledgedRecord);
  const bool more = !catalog_.acknowledged(subscriber, lane);
  if (more && catalog_.acknowledgements().size() >= most) return false;
  if (subscriber.size() >= layout::kJournalNameBytes) return false;
  const auto record = to_record(subscriber, lane, before);
  const bool placed = start_data() && place_catalog() &&
                      data_.add_record(layout::EntryKind::acknowledged, bytes_of(record));
  if (!placed && !goes_with_next_head(record)) return false;
  (void)catalog_.apply(record);
  acknowledged_since_ = true;
  return true;
}

// What is built waits for the next segment, whose head says everything that is acknowledged: so a
// full item in front of a full disk does not keep out what would free it. An older word on the same
// place in that item comes behind the head, and must not take it back.
bool JournalCore::goes_with_next_head(const layout::AcknowledgedRecord& record) noexcept {
  const JournalLane* const lane = catalog_.find(record.lane);
  const bool waits = step_ == Step::sealing && writer_.error() == 0;
  if (!waits || lane == nullptr || record.before > lane->end) return false;
  std::size_t at = 0;
  for (const layout::TableEntry& entry : data_.table()) {
    if (entry.kind == static_cast<std::uint16_t>(layout::EntryKind::acknowledged)) {
      replace(data_.payload(at, entry.bytes), record);
    }
    at += rounded_up(entry.bytes, kPayloadAlign);
  }
  return true;
}

bool JournalCore::add_gap(const layout::GapRecord& gap) {
  const JournalLane* const lane = catalog_.find(gap.lane);
  if (lane == nullptr || gap.from != built_end(lane->id) || gap.to <= gap.from) return false;
  if (!start_data() || !place_catalog()) return false;
  if (!data_.add_record(layout::EntryKind::gap, bytes_of(gap))) return false;
  built_end(lane->id) = gap.to;
  return true;
}

}  // namespace millrace
