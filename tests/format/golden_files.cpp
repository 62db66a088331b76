#include "golden_files.hpp"

#include "millrace/core/channel_journal_layout.hpp"
#include "millrace/core/clock_layout.hpp"
#include "millrace/core/doorbell_layout.hpp"
#include "millrace/core/histogram_layout.hpp"
#include "millrace/core/lane_layout.hpp"
#include "millrace/core/meta_layout.hpp"
#include "millrace/core/order_view.hpp"
#include "millrace/core/participant_layout.hpp"
#include "millrace/core/reader_layout.hpp"
#include "millrace/core/remembered_layout.hpp"
#include "millrace/core/stamp_ring.hpp"

#include <cstring>
#include <memory>
#include <numeric>

namespace millrace::format_test {

namespace {

using layout::FileKind;

constexpr std::uint64_t kRingBytes = kRingBytesMin;

// The structures hold atomics, so they live where they are, in zeroed bytes of the right alignment.
template <class Structure>
class Built {
 public:
  explicit Built(std::size_t bytes = sizeof(Structure))
      : bytes_(bytes), storage_(new (std::align_val_t{128}) std::byte[bytes]()) {}

  Structure* operator->() { return reinterpret_cast<Structure*>(storage_.get()); }

  template <class Other>
  Other& at(std::size_t offset) {
    return *reinterpret_cast<Other*>(storage_.get() + offset);
  }

  Bytes bytes() const { return Bytes(storage_.get(), storage_.get() + bytes_); }

 private:
  struct Free {
    void operator()(std::byte* data) const { operator delete[](data, std::align_val_t{128}); }
  };

  std::size_t bytes_;
  std::unique_ptr<std::byte[], Free> storage_;
};

void fill_header(layout::SegmentHeader& header, FileKind kind, std::uint64_t fingerprint,
                 std::uint64_t file_bytes, std::uint64_t data_bytes = 0) {
  header.magic = layout::kMagic;
  header.format_major = layout::kFormatMajor;
  header.format_minor = layout::kFormatMinor;
  header.endianness = layout::kEndianness;
  header.fingerprint = fingerprint;
  header.kind = static_cast<std::uint32_t>(kind);
  header.page_bytes = kPageBytes;
  header.file_bytes = file_bytes;
  header.data_bytes = data_bytes;
  header.features_info = 0x8000'0000'0000'0000;  // of a later version, to be ignored
  std::iota(std::begin(header.boot_id), std::end(header.boot_id), std::uint8_t{0xb0});
  header.created_wall_ns = 1'340'280'000'000'000'000;
  header.creator_incarnation = 0x00c0'ffee'1234'5678;
}

void put(layout::Word& word, std::uint64_t value) {
  word.store(value, std::memory_order_relaxed);
}

void put(layout::HalfWord& word, std::uint32_t value) {
  word.store(value, std::memory_order_relaxed);
}

Bytes participant() {
  Built<layout::ParticipantFile> file;
  fill_header(file->header, FileKind::participant, layout::kParticipantFingerprint,
              sizeof(layout::ParticipantFile));
  file->pid = 4711;
  file->flags = layout::kMembarrierRegistered;
  file->start_ticks = 0x1122'3344'5566'7788;
  file->incarnation = 0x00c0'ffee'1234'5678;
  file->id = 17;
  file->uid = 1000;
  file->pid_ns = 0xeff0'0001;
  file->left = 1;
  file->repairs = layout::kRepairsKnown;
  file->probe_errors = 2;
  std::strcpy(file->name, "golden participant");
  file->scratch[0] = 0x5c;
  return file.bytes();
}

Bytes meta() {
  Built<layout::MetaFile> file;
  fill_header(file->header, FileKind::meta, layout::kMetaFingerprint, sizeof(layout::MetaFile));
  std::iota(std::begin(file->uuid), std::end(file->uuid), std::uint8_t{0x10});
  file->kind = static_cast<std::uint32_t>(layout::ChannelKind::stream);
  file->order = 0;
  file->policy = 1;
  file->lanes_max = 8;
  file->ring_bytes = kRingBytes;
  file->page_kind = 0;
  file->placement_kind = 2;
  file->placement_node = 3;
  file->lock = 1;
  file->prefault = 1;
  file->require_readers = 1;
  file->mode = 0640;
  file->group = 0xffff'ffff;
  file->durable = 1;
  file->when_journal_fails = 1;
  file->schema = 0xabcd'ef01'2345'6789;
  std::strcpy(file->schema_name, "quote.v1");
  std::strcpy(file->huge_dir, "/dev/hugepages");
  std::strcpy(file->journal, "/var/journal");
  file->stamps = 1;
  file->stamp_every = 1024;
  file->stamp_records = 4096;
  const layout::Tag tag{.tag = 0x7001, .flags = 0, .length = 5};
  std::memcpy(file->tags, &tag, sizeof tag);
  std::memcpy(file->tags + sizeof tag, "extra", 5);
  return file.bytes();
}

void fill_lane(layout::LaneControl& lane) {
  std::strcpy(lane.producer_name, "golden publisher");
  put(lane.owner_incarnation, 0x00c0'ffee'1234'5678);
  put(lane.owner_id, 17);
  lane.lane = 5;
  lane.epoch = 0x0e0e'0001'0002'0003;
  put(lane.life, 2);
  put(lane.state, static_cast<std::uint32_t>(layout::LaneState::live));
  put(lane.fencing, 1);
  lane.data_offset = kPageBytes;
  lane.asked_kind = 2;
  lane.asked_node = 3;
  lane.honoured = 1;
  lane.page_kind = 0;
  put(lane.limit, 4096 + 256);
  put(lane.proposed, 4096 + 512);
  lane.first_sequence = 280;
  put(lane.version, 34);
  put(lane.blocked_reader, 0x00c0'ffee'0000'0001);
  put(lane.blocked_position, 256);
  put(lane.refused, 101);
  put(lane.aborted, 102);
  put(lane.unheard, 103);
  put(lane.evictions, 104);
  put(lane.blocks, 105);
  put(lane.blocked_ns, 106);
  put(lane.wakes, 107);
  put(lane.probe_errors, 108);
  put(lane.waits_for, 0x00c0'ffee'0000'0001);
  put(lane.waits_for_id, std::uint64_t{1} << 32 | 18);
  put(lane.waits_since, 123'456'789);
  put(lane.unjournaled, 109);
  put(lane.unjournaled_end, 290);
  put(lane.evicted_count, 1);
  put(lane.evicted[0].incarnation, 0x00c0'ffee'0000'0002);
  put(lane.evicted[0].reader, 19);
  put(lane.checkpoints[34 % kCheckpointSlots].position, 4096);
  put(lane.checkpoints[34 % kCheckpointSlots].sequence, 300);
  put(lane.ordinals[34 % kCheckpointSlots], 291);
}

// One record of each kind, behind checkpoint {4096, 300}, so they begin at index 0.
void fill_ring(std::byte* ring) {
  const layout::RecordHeader records[] = {
      {.length = 5, .type = RecordType::message, .sequence = 0x2c, .flags = 0, .key = 0x1234},
      {.length = 24, .type = RecordType::pad, .sequence = 0, .flags = 0, .key = 0},
      {.length = 8, .type = RecordType::aborted, .sequence = 0x2d, .flags = 0, .key = 0},
      {.length = 0, .type = RecordType::message, .sequence = 0x2e, .flags = 0, .key = 0xffff},
      {.length = 3, .type = static_cast<RecordType>(11), .sequence = 0x2f, .flags = 0, .key = 1},
  };
  std::size_t at = 0;
  for (const layout::RecordHeader& record : records) {
    const std::uint64_t word = record.word();
    std::memcpy(ring + at, &word, sizeof word);
    std::memset(ring + at + kHeaderBytes, 'a', record.length);
    at += layout::record_bytes(record.length);
  }
}

Bytes lane() {
  const std::size_t bytes = sizeof(layout::LaneControl) + kRingBytes;
  Built<layout::LaneControl> file(bytes);
  fill_header(file->header, FileKind::lane, layout::kLaneFingerprint, bytes, kRingBytes);
  fill_lane(file.at<layout::LaneControl>(0));
  fill_ring(&file.at<std::byte>(sizeof(layout::LaneControl)));
  return file.bytes();
}

Bytes reader() {
  Built<layout::ReaderFile> file(layout::reader_file_bytes(8));
  fill_header(file->header, FileKind::reader, layout::kReaderFingerprint,
              layout::reader_file_bytes(8));
  file->incarnation = 0x00c0'ffee'1234'5678;
  file->id = 17;
  file->number = 3;
  file->kind = static_cast<std::uint32_t>(layout::ReaderKind::subscriber);
  file->mode = layout::kReaderLossy;
  put(file->state, static_cast<std::uint32_t>(layout::ReaderState::active));
  put(file->fencing, 1);
  file->lanes = 8;
  file->node = 2;
  put(file->overruns, 201);
  put(file->evictions, 202);
  put(file->parks, 203);
  put(file->caught_up, 204);
  put(file->rewinds, 205);
  auto& slot = file.at<layout::ReaderSlot>(layout::reader_slot_offset(5));
  put(slot.position, 4096);
  put(slot.lane_epoch, 0x0e0e'0001'0002'0003);
  put(slot.sequence, 300);
  put(slot.received, 290);
  put(slot.lost, 4);
  put(slot.skipped, 5);
  put(slot.unknown, 1);
  put(slot.left, 1);
  put(slot.joins, 2);
  return file.bytes();
}

Bytes journal() {
  Built<layout::ChannelJournalFile> file(layout::channel_journal_bytes(8));
  fill_header(file->header, FileKind::journal, layout::kChannelJournalFingerprint,
              layout::channel_journal_bytes(8));
  std::iota(std::begin(file->log_uuid), std::end(file->log_uuid), std::uint8_t{0x20});
  std::iota(std::begin(file->channel), std::end(file->channel), std::uint8_t{0x30});
  put(file->epoch, 501);
  put(file->incarnation, 0x00c0'ffee'1234'5678);
  put(file->id, 17);
  put(file->state, static_cast<std::uint32_t>(layout::JournalState::full));
  put(file->error, 28);
  put(file->attaches, 502);
  put(file->beat, 503);
  put(file->bytes, 504);
  put(file->detaches, 505);
  auto& slot = file.at<layout::JournalSlot>(layout::journal_slot_offset(5));
  put(slot.lane_epoch, 0x0e0e'0001'0002'0003);
  put(slot.turn, 601);
  put(slot.points[1].position, 4096);
  put(slot.points[1].sequence, 300);
  put(slot.advanced, 602);
  put(slot.refused, 1);
  put(slot.gaps, 603);
  put(slot.gap_first, 280);
  put(slot.gap_end, 290);
  put(slot.stands_at, 4104);
  put(slot.detaches, 604);
  return file.bytes();
}

Bytes remembered() {
  Built<layout::RememberedFile> file(layout::remembered_file_bytes(8));
  fill_header(file->header, FileKind::remembered, layout::kRememberedFingerprint,
              layout::remembered_file_bytes(8));
  std::memcpy(file->name, "golden", 6);
  put(file->incarnation, 0x00c0'ffee'1234'5678);
  put(file->id, 17);
  file->lanes = 8;
  put(file->opens, 2);
  auto& slot = file.at<layout::RememberedSlot>(layout::remembered_slot_offset(5));
  put(slot.lane_epoch, 0x0e0e'0001'0002'0003);
  put(slot.sequence, 300);
  return file.bytes();
}

Bytes doorbell() {
  Built<layout::DoorbellFile> file(layout::doorbell_file_bytes(8));
  fill_header(file->header, FileKind::doorbell, layout::kDoorbellFingerprint,
              layout::doorbell_file_bytes(8));
  put(file->reader_generation, 31);
  put(file->lane_generation, 32);
  put(file->needs_fence, 1);
  put(file.at<layout::DoorbellSlot>(layout::doorbell_slot_offset(5)).asleep_at, 4097);
  return file.bytes();
}

Bytes clock() {
  Built<layout::ClockFile> file;
  fill_header(file->header, FileKind::clock, layout::kClockFingerprint, sizeof(layout::ClockFile));
  file->source = static_cast<std::uint32_t>(layout::ClockSource::tsc);
  file->shift = 32;
  file->mult = 0x5555'5555;
  file->base_ticks = 301;
  file->base_monotonic_ns = 302;
  file->base_wall_ns = 303;
  file->base_boot_ns = 304;
  file->uncertainty_ns = 305;
  file->uncertainty_ppb = 306;
  file->interval_ns = 307;
  file->granularity_ps = 308;
  file->stamp_cost_ps = 309;
  file->time_ns = 310;
  file->rate_from = 2;
  return file.bytes();
}

// The first page of a ring's own file on hugetlbfs; the ring begins at 2 MiB.
Bytes lane_data() {
  Built<layout::SegmentHeader> file;
  fill_header(*file.operator->(), FileKind::lane_data, layout::kLaneFingerprint, 2 * kHugePageBytes,
              kHugePageBytes);
  file->page_bytes = kHugePageBytes;
  return file.bytes();
}

// Words 64 to 66 of a ring of 64: a lap, and three publishes more.
Bytes order() {
  const std::uint64_t words = layout::kOrderWordsMin;
  const std::size_t bytes = layout::order_file_bytes(words);
  Built<layout::OrderFile> file(bytes);
  fill_header(file->header, FileKind::order, layout::kOrderFingerprint, bytes,
              words * sizeof(layout::Word));
  file->words = words;
  const OrderView view(&file.at<std::byte>(0), words);
  put(view.first(64), 500);
  put(view.word(64), view.shape().word(64, 9, 1));
  put(view.word(65), view.shape().word(65, 10, 256));
  put(view.word(66), view.shape().word(66, 63, 2));
  put(view.hint(), 67);
  return file.bytes();
}

// A publisher's recorder that has been round its 64 slots once, and died while it wrote record 65.
Bytes stamps() {
  constexpr std::uint32_t kSlots = layout::kStampRecordsMin;
  Built<layout::StampFile> file(layout::stamp_file_bytes(kSlots));
  fill_header(file->header, FileKind::stamps, layout::kStampFingerprint,
              layout::stamp_file_bytes(kSlots));
  file->incarnation = 0x00c0'ffee'1234'5678;
  file->id = 17;
  file->number = 3;
  file->role = static_cast<std::uint32_t>(layout::StampRole::publisher);
  file->clock = 2;
  file->slots = kSlots;
  file->shift = 10;
  put(file->left, 1);
  const StampView view(&file.at<layout::StampSlot>(sizeof(layout::StampFile)), kSlots);
  StampWriter<StampView> writer(view);
  for (Sequence sequence = 1000; sequence <= 1000 + kSlots; ++sequence)
    writer.write({0, sequence, 5, 32, 0x0e0e'0001'0002'0003, {701, 702, 703, 0}});
  writer.add(kSlots, 3, 704);
  put(view.slot(65).version, 2 * 65 + 1);
  return file.bytes();
}

Bytes histogram() {
  Built<layout::HistogramBytes> file;
  file->sum_ns = 401;
  file->max_ns = 402;
  file->min_complement = ~std::uint64_t{403};
  file->cells[0] = 404;
  file->cells[layout::kHistogramCells - 1] = 405;
  return file.bytes();
}

}  // namespace

std::vector<GoldenFile> golden_files() {
  return {{"participant", "participant", participant()},
          {"meta", "meta", meta()},
          {"lane", "lane", lane()},
          {"reader", "reader", reader()},
          {"doorbell", "doorbell", doorbell()},
          {"clock", "clock", clock()},
          {"lane_data", "segment", lane_data()},
          {"journal", "channel_journal", journal()},
          {"remembered", "remembered", remembered()},
          {"order", "order", order()},
          {"stamps", "stamp", stamps()},
          {"histogram", "histogram", histogram()}};
}

std::vector<std::string> complaints(const std::string& name, const Bytes& bytes) {
  std::vector<std::string> found;
  for (const GoldenField& field : golden_fields(name)) {
    std::uint64_t value = 0;
    if (field.offset + field.bytes > bytes.size()) {
      found.push_back(name + ": too short for " + field.field);
      continue;
    }
    std::memcpy(&value, bytes.data() + field.offset, field.bytes);
    if (value != field.value) {
      found.push_back(name + ": " + field.structure + "::" + field.field + " at " +
                      std::to_string(field.offset) + " is " + std::to_string(value) + ", not " +
                      std::to_string(field.value));
    }
  }
  if (golden_fields(name).empty()) found.push_back(name + ": no such golden file");
  return found;
}

}  // namespace millrace::format_test
