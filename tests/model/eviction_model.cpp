// LimitKeeper, LaneWriter and LaneReader on simulated memory, where the producer gives up on a
// reader that stands in its way: it writes the reader into the lane's list, forgets it, and raises
// the limit. The reader may be stopped anywhere meanwhile. When it goes on it accepts nothing that
// was overwritten, and when it finds that it was overrun it finds itself in the list.
//
// The entry is a relaxed store before raise(); raise()'s full fence orders it before the limit. The
// reader fences between the limit that overran it and the list.
//
// covers: core/include/millrace/core/limit.hpp LimitKeeper::raise
// covers: core/include/millrace/core/lane_reader.hpp LaneReader::validate
// mirrors: transport/src/lane_owner.cpp LaneOwner::evict 73b0e9e11940
// mirrors: transport/src/reader_table.cpp ReaderTable::give_up d005ea0ac10a
// mirrors: transport/src/reader_table.cpp ReaderTable::slowest 88e96656ce37
// mirrors: transport/src/lane_set.cpp LaneSet::was_evicted 5393f3b0060e
#include "model_verdict.hpp"

namespace millrace::model {
namespace {

enum class Twin : std::uint8_t {
  none,
  no_fence_in_producer,    // the entry may become visible after the limit
  entry_after_limit,       // the same by the order of the stores
  no_fence_before_list,    // the reader looks into the list as it was before the limit
  no_fence_in_validation,  // the reader accepts overwritten bytes
};

constexpr std::uint64_t kIncarnation = 77;

class OneReader {
 public:
  ModelWord place;

  std::uint64_t generation() { return 1; }

  void refresh() {}

  void forget() { counted_ = false; }

  Position slowest(Position floor) {
    // [sync:position] Acquire: the reader is done with the bytes before its place.
    const Position at = place.load(std::memory_order_acquire);
    return counted_ && at >= floor ? at : kNoReader;
  }

 private:
  bool counted_ = true;
};

template <Twin kTwin>
struct EvictionSuite : rl::test_suite<EvictionSuite<kTwin>, 2> {
  using ProducerMemory =
      ModelMemory<kTwin == Twin::no_fence_in_producer ? Missing::full_fence : Missing::nothing>;
  using ReaderMemory = ModelMemory<kTwin == Twin::no_fence_in_validation ? Missing::acquire_fence
                                                                         : Missing::nothing>;

  static constexpr Sequence kBefore = 6;
  static constexpr Sequence kAll = kBefore + 4;

  ModelRing ring;
  ModelLane lane{ring};
  ModelWord evicted;
  OneReader counted;
  LaneWriter<ProducerMemory> writer;
  LimitKeeper<ProducerMemory, OneReader> keeper;

  void before() {
    writer = LaneWriter<ProducerMemory>(lane, {0, 0});
    while (writer.sequence() < kBefore)
      send();
  }

  void thread(unsigned who) {
    if (who == 0) {
      while (writer.sequence() < kAll)
        send();
    } else {
      read();
    }
  }

  void send() {
    const Sequence sequence = writer.sequence();
    const std::uint64_t length = 8 * words_of(sequence);
    const Position needed = writer.limit_needed(length);
    if (!writer.has_room(length) && !keeper.raise(writer, needed, counted)) evict(needed);
    write_payload(lane, writer.claim_position(), sequence);
    writer.append(header_of(sequence));
    writer.publish();
  }

  void evict(Position needed) {
    if (kTwin != Twin::entry_after_limit) evicted.store(kIncarnation, std::memory_order_relaxed);
    counted.forget();
    keeper.forget();
    RL_ASSERT(keeper.raise(writer, needed, counted));
    if (kTwin == Twin::entry_after_limit) evicted.store(kIncarnation, std::memory_order_relaxed);
  }

  void read() {
    LaneReader<ReaderMemory> reader(lane, {0, 0});
    for (int look = 0; look < 4; ++look) {
      Record record;
      const Poll poll = reader.poll(record);
      RL_ASSERT(poll != Poll::broken);
      const bool whole = poll == Poll::message && is_whole(lane, record);
      if (poll == Poll::overrun || !reader.validate()) return learn();
      if (poll == Poll::empty) continue;
      RL_ASSERT(whole);
      reader.advance(record);
      reader.release();
      // [sync:position] Release: everything before it was read.
      counted.place.store(reader.position(), std::memory_order_release);
    }
  }

  void learn() {
    if (kTwin != Twin::no_fence_before_list) ModelMemory<>::acquire_fence();
    RL_ASSERT(evicted.load(std::memory_order_relaxed) == kIncarnation);
  }
};

}  // namespace

int run() {
  Verdict verdict;
  verdict.must_pass<EvictionSuite<Twin::none>>("eviction");
  verdict.must_be_caught<EvictionSuite<Twin::no_fence_in_producer>>("eviction: no full fence");
  verdict.must_be_caught<EvictionSuite<Twin::entry_after_limit>>("eviction: entry after the limit");
  verdict.must_be_caught<EvictionSuite<Twin::no_fence_before_list>>(
      "eviction: list read too early");
  verdict.must_be_caught<EvictionSuite<Twin::no_fence_in_validation>>(
      "eviction: validation unfenced");
  return verdict.exit_code();
}

}  // namespace millrace::model

int main() {
  return millrace::model::run();
}
