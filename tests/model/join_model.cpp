// LimitKeeper against Join::take_place on simulated memory: a reader that joins a running lossless
// lane is waited for, or is told at once that it came too late. Once it has its place it reads
// every message from there on, whole, and is never told that it was overrun.
//
// covers: core/include/millrace/core/limit.hpp LimitKeeper::raise
// covers: core/include/millrace/core/join.hpp Join::take_place
// mirrors: transport/src/own_words.hpp OwnWords::stand_at 5fdc4c12b935
// mirrors: transport/src/own_words.hpp OwnWords::announce 4349ba4e46e5
// mirrors: transport/src/reader_table.cpp ReaderTable::position_of 23de1fa9bd9f
// mirrors: transport/src/reader_table.cpp ReaderTable::slowest 88e96656ce37
#include "model_verdict.hpp"

namespace millrace::model {
namespace {

enum class Twin : std::uint8_t {
  none,
  no_fence_in_producer,
  no_fence_in_joiner,
  no_second_look,      // the producer does not read the generation again after its store
  candidate_in_limit,  // one word for both: who has just joined is told it was overrun
};

// One reader's place and the channel's generation, seen from both sides.
struct Doorway {
  static constexpr std::uint64_t kNobody = 1;  // no record boundary

  ModelWord place;
  ModelWord generation;

  Doorway() { place.store(kNobody, std::memory_order_relaxed); }
};

class CountedReaders {
 public:
  CountedReaders(Doorway& doorway, bool looks_once) : doorway_(&doorway), looks_once_(looks_once) {}

  // A raise of the limit begins.
  void look() {
    // [sync:join] Acquire: whoever raised it has stored its place.
    seen_ = doorway_->generation.load(std::memory_order_acquire);
  }

  std::uint64_t generation() {
    if (!looks_once_) look();
    return seen_;
  }

  void refresh() {}

  Position slowest(Position floor) {
    // [sync:position] Acquire: the reader is done with the bytes before its place.
    const Position at = doorway_->place.load(std::memory_order_acquire);
    return at == Doorway::kNobody || at < floor ? kNoReader : at;
  }

 private:
  Doorway* doorway_;
  bool looks_once_;
  std::uint64_t seen_ = 0;
};

struct OwnWords {
  Doorway& doorway;

  void stand_at(Checkpoint at) {
    // [sync:position] Release, for the steps of a reader that has joined.
    doorway.place.store(at.position, std::memory_order_release);
  }

  void announce() { doorway.generation.fetch_add(1, std::memory_order_seq_cst); }  // [sync:join]
};

template <Twin kTwin, From::Kind kFrom>
struct JoinSuite : rl::test_suite<JoinSuite<kTwin, kFrom>, 2> {
  using ProducerMemory =
      ModelMemory<kTwin == Twin::no_fence_in_producer ? Missing::full_fence : Missing::nothing>;
  using ReaderMemory =
      ModelMemory<kTwin == Twin::no_fence_in_joiner ? Missing::full_fence : Missing::nothing>;

  static constexpr Sequence kBefore = 8;  // the second lap has begun
  static constexpr Sequence kAll = kBefore + 4;

  ModelRing ring;
  ModelLane lane{ring};
  Doorway doorway;
  CountedReaders counted{doorway, kTwin == Twin::no_second_look};
  LaneWriter<ProducerMemory> writer;
  LimitKeeper<ProducerMemory, CountedReaders> keeper;

  void before() {
    ring.proposes_in_limit = kTwin == Twin::candidate_in_limit;
    writer = LaneWriter<ProducerMemory>(lane, {0, 0});
    while (writer.sequence() < kBefore)
      RL_ASSERT(send());
  }

  void thread(unsigned who) {
    if (who == 0) {
      while (writer.sequence() < kAll && send()) {
      }
    } else {
      join_and_read();
    }
  }

  bool send() {
    const Sequence sequence = writer.sequence();
    const std::uint64_t length = 8 * words_of(sequence);
    counted.look();
    if (!writer.has_room(length) && !keeper.raise(writer, writer.limit_needed(length), counted)) {
      return false;  // the reader is in the way
    }
    write_payload(lane, writer.claim_position(), sequence);
    writer.append(header_of(sequence));
    writer.publish();
    return true;
  }

  void join_and_read() {
    OwnWords own{doorway};
    const auto place = Join<ReaderMemory, OwnWords>::take_place(lane, {kFrom, kBefore - 2}, own);
    if (!place) return;  // too late, and told so
    LaneReader<ReaderMemory> reader(lane, *place);
    for (int look = 0; look < 4; ++look) {
      Record record;
      const Poll poll = reader.poll(record);
      RL_ASSERT(poll == Poll::message || poll == Poll::empty);
      if (poll == Poll::empty) continue;
      const bool whole = is_whole(lane, record);
      RL_ASSERT(reader.validate() && whole);
      reader.advance(record);
      reader.release();
      own.stand_at({reader.position(), reader.sequence()});
    }
  }
};

template <Twin kTwin>
using Oldest = JoinSuite<kTwin, From::Kind::oldest>;
template <Twin kTwin>
using Now = JoinSuite<kTwin, From::Kind::now>;
template <Twin kTwin>
using At = JoinSuite<kTwin, From::Kind::sequence>;

}  // namespace

int run() {
  Verdict verdict;
  verdict.must_pass<Oldest<Twin::none>>("join: at the oldest message", 1);
  verdict.must_pass<Now<Twin::none>>("join: now", 1);
  verdict.must_pass<At<Twin::none>>("join: at a sequence", 1);
  verdict.must_be_caught<Oldest<Twin::no_fence_in_producer>>("join: no fence in the producer");
  verdict.must_be_caught<Oldest<Twin::no_fence_in_joiner>>("join: no fence in the joiner");
  verdict.must_be_caught<Oldest<Twin::no_second_look>>("join: generation not read again");
  verdict.must_be_caught<Oldest<Twin::candidate_in_limit>>("join: candidate stored in limit");
  return verdict.exit_code();
}

}  // namespace millrace::model

int main() {
  return millrace::model::run();
}
