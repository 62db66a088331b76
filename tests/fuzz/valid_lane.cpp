#include "valid_lane.hpp"

#include "millrace/core/lane_layout.hpp"
#include "millrace/core/lane_writer.hpp"
#include "millrace/core/unique_number.hpp"

#include <cstring>
#include <memory>
#include <new>

namespace millrace::fuzz {

namespace {

constexpr std::size_t kControl = sizeof(layout::LaneControl);

struct Free {
  void operator()(std::byte* data) const { operator delete[](data, std::align_val_t{4096}); }
};

// A lane in private memory, and the writer whose publishes fill it. Its ring is not mapped twice:
// records that would cross the end must not be written.
class Workshop {
 public:
  Workshop() : memory_(new (std::align_val_t{4096}) std::byte[kControl + 2 * kLaneRingBytes]()) {
    auto& control = *reinterpret_cast<layout::LaneControl*>(memory_.get());
    fill(control);
    view_ = LaneView(&control, memory_.get() + kControl, kLaneRingBytes);
    writer_ = LaneWriter<ProductionMemory>(view_, {});
  }

  void put(RecordType type, std::uint32_t length) {
    layout::RecordHeader header{};
    header.length = length;
    header.type = type;
    header.key = static_cast<std::uint16_t>(writer_.sequence());
    if (!writer_.has_room(length)) {
      writer_.checkpoint_if_due();
      writer_.grant(writer_.limit_needed(length) + kLaneRingBytes / kCheckpointsPerLap);
    }
    std::memset(view_.payload(writer_.claim_position()), 'f', length);
    writer_.append(header);
    writer_.publish();
    mirror();
  }

  Bytes bytes() const {
    const auto* const first = reinterpret_cast<const std::uint8_t*>(memory_.get());
    return Bytes(first, first + kControl + kLaneRingBytes);
  }

 private:
  static void fill(layout::LaneControl& control) {
    control.header.magic = layout::kMagic;
    control.header.format_major = layout::kFormatMajor;
    control.header.endianness = layout::kEndianness;
    control.header.fingerprint = layout::kLaneFingerprint;
    control.header.kind = static_cast<std::uint32_t>(layout::FileKind::lane);
    control.header.page_bytes = kPageBytes;
    control.header.file_bytes = kControl + kLaneRingBytes;
    control.header.data_bytes = kLaneRingBytes;
    const Uuid boot = boot_id();
    std::memcpy(control.header.boot_id, boot.data(), boot.size());
    std::strcpy(control.producer_name, "fuzz");
    control.epoch = 7;
    control.data_offset = kPageBytes;
    control.owner_incarnation.store(77, std::memory_order_relaxed);
    control.life.store(1, std::memory_order_relaxed);
    control.state.store(static_cast<std::uint32_t>(layout::LaneState::live),
                        std::memory_order_relaxed);
  }

  // What a double mapping does by itself.
  void mirror() {
    std::byte* const ring = memory_.get() + kControl;
    const std::uint64_t end = writer_.position() % kLaneRingBytes;
    if (end < last_end_) std::memcpy(ring, ring + kLaneRingBytes, end + kHeaderBytes);
    std::memcpy(ring + kLaneRingBytes, ring, kLaneRingBytes);
    last_end_ = end;
  }

  std::unique_ptr<std::byte, Free> memory_;
  LaneView view_;
  LaneWriter<ProductionMemory> writer_;
  std::uint64_t last_end_ = 0;
};

}  // namespace

std::vector<Bytes> valid_lanes() {
  std::vector<Bytes> lanes;
  Workshop young;
  for (const std::uint32_t length : {5U, 0U, 56U, 57U, 200U})
    young.put(RecordType::message, length);
  lanes.push_back(young.bytes());

  Workshop old;
  for (std::uint32_t i = 0; i < 400; ++i) {
    old.put(i % 11 == 7 ? RecordType::aborted : RecordType::message, i * 37 % 150);
    if (i % 23 == 5) old.put(static_cast<RecordType>(9), i % 40);
  }
  lanes.push_back(old.bytes());

  Workshop dense;
  for (std::uint32_t i = 0; i < 2000; ++i)
    dense.put(RecordType::message, 0);
  lanes.push_back(dense.bytes());
  return lanes;
}

}  // namespace millrace::fuzz
