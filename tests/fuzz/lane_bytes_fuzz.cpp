// Any bytes as a lane in private memory: everything that walks over them. The ring lies twice on
// the heap, so a sanitizer sees what reads beyond it, as it could not in a mapping.
#include "fuzz_target.hpp"
#include "millrace/core/join.hpp"
#include "millrace/core/lane_reader.hpp"
#include "millrace/core/lane_recovery.hpp"
#include "valid_lane.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

namespace {

using namespace millrace;
using Reader = LaneReader<ProductionMemory>;

constexpr std::uint64_t kRing = fuzz::kLaneRingBytes;

struct OwnWords {
  void stand_at(Checkpoint) noexcept {}

  void announce() noexcept {}
};

// What an application does with a message: it reads all of it.
void use(const Reader& reader, const Record& record) {
  if (record.length > message_bytes_max(kRing)) {
    fuzz::broken_promise("a message of impossible length");
  }
  fuzz::touch({reader.lane().payload(record.position), record.length});
}

Poll poll(Reader& reader, Record& record) {
#ifdef MILLRACE_FUZZ_CANARY
  // The planted defect: a look that believes the length in the header. It has to be found.
  const auto word = reader.lane().header(reader.position()).load(std::memory_order_relaxed);
  const auto header = layout::RecordHeader::of(word);
  if (header.type == RecordType::message && header.sequence == (reader.sequence() & 0xff)) {
    record = {reader.position(), reader.sequence(), header.length, header.key};
    return Poll::message;
  }
#endif
  return reader.poll(record);
}

// A message, or a typed refusal, within a bounded number of steps, and never backwards.
void read_on(Reader& reader) {
  constexpr int kPolls = 1100;  // two laps of the shortest records
  for (int polls = 0; polls < kPolls; ++polls) {
    const Position before = reader.position();
    Record record;
    switch (poll(reader, record)) {
      case Poll::message:
        use(reader, record);
        reader.advance(record);
        if (polls % 64 == 0 && reader.validate()) reader.release();
        break;
      case Poll::overrun:
        reader.resynchronise();
        if (reader.position() == before) return;
        break;
      case Poll::empty:
        if (reader.position() == before) return;
        break;
      case Poll::broken: return;
    }
    if (reader.position() < before && before < ~Position{0} / 2) {
      fuzz::broken_promise("a reader went back");
    }
  }
}

void visit(const LaneView& lane) {
  using C = Checkpoints<ProductionMemory>;
  for (const From from : {From::oldest(), From::now(), From::at(302)}) {
    OwnWords own;
    const auto place = Join<ProductionMemory, OwnWords>::take_place(lane, from, own);
    if (!place) continue;
    Reader reader(lane, *place);
    read_on(reader);
  }
  if (const auto frontier = find_frontier<ProductionMemory>(lane)) {
    if (frontier->position % kRecordAlign != 0) fuzz::broken_promise("a crooked frontier");
    if (lane.header(frontier->position).load(std::memory_order_relaxed) != 0) {
      fuzz::broken_promise("a frontier on a record");
    }
  }
  if (const auto newest = C::newest(lane)) {
    (void)walk_to_frontier<ProductionMemory>(lane, *newest, ~Sequence{0});
  }
  (void)C::at_or_before(lane, 301);
}

struct Free {
  void operator()(std::byte* data) const { operator delete[](data, std::align_val_t{4096}); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  constexpr std::size_t kControl = sizeof(layout::LaneControl);
  const std::unique_ptr<std::byte, Free> memory(new (std::align_val_t{4096})
                                                    std::byte[kControl + 2 * kRing]());
  std::byte* const base = memory.get();
  if (bytes != 0) std::memcpy(base, data, std::min(bytes, kControl + kRing));
  std::memcpy(base + kControl + kRing, base + kControl, kRing);
  visit(LaneView(reinterpret_cast<layout::LaneControl*>(base), base + kControl, kRing));
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  return fuzz::valid_lanes();
}
