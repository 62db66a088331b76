// LaneWriter, LaneReader and Checkpoints (resynchronise) on simulated memory: one producer that
// never waits laps one reader. Whatever the reader accepts is exactly what was sent, and every
// message is either delivered or counted as lost.
//
// covers: core/include/millrace/core/lane_writer.hpp LaneWriter::grant
// covers: core/include/millrace/core/lane_writer.hpp LaneWriter::append
// covers: core/include/millrace/core/lane_writer.hpp LaneWriter::publish
// covers: core/include/millrace/core/lane_reader.hpp LaneReader::poll
// covers: core/include/millrace/core/lane_reader.hpp LaneReader::validate
// covers: core/include/millrace/core/lane_reader.hpp LaneReader::resynchronise
#include "model_verdict.hpp"

namespace millrace::model {
namespace {

enum class Twin : std::uint8_t {
  none,
  relaxed_publish,       // the header's release store
  relaxed_poll,          // the header's acquire load
  no_release_fence,      // between the limit and the bytes
  no_acquire_fence,      // between the bytes and the second look at the limit
  payload_before_limit,  // the order of the two, in the producer
  zero_before_limit,     // the same for the zero that ends the walk
  no_zero,               // nothing ends the walk
  first_header_first,    // a batch that is revealed before it is whole
};

constexpr Missing missing_in(Twin twin) {
  if (twin == Twin::no_release_fence) return Missing::release_fence;
  return twin == Twin::no_acquire_fence ? Missing::acquire_fence : Missing::nothing;
}

// `kLag` messages lie between the reader and the producer when the two threads start: 0 meets the
// publish, 6 meets the overwriting.
template <Twin kTwin, std::uint64_t kBatch, Sequence kLag>
struct LaneSuite : rl::test_suite<LaneSuite<kTwin, kBatch, kLag>, 2> {
  using Memory = ModelMemory<missing_in(kTwin)>;

  static constexpr Sequence kBefore = 6;  // sent before the two meet
  static constexpr Sequence kAll = kBefore + 4;

  ModelRing ring;
  ModelLane lane{ring};
  LaneWriter<Memory> writer;
  LaneReader<Memory> reader;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;

  void before() {
    for (ModelWord& word : ring.words) {
      if (kTwin == Twin::relaxed_publish) word.weaken_stores();
      if (kTwin == Twin::relaxed_poll) word.weaken_loads();
      if (kTwin == Twin::no_zero) word.ignore_zeros();
    }
    writer = LaneWriter<Memory>(lane, {0, 0});
    for (;;) {
      if (writer.sequence() == kBefore - kLag) {
        reader = LaneReader<Memory>(lane, {writer.position(), writer.sequence()});
      }
      if (writer.sequence() == kBefore) break;
      send();
    }
    received = kBefore - kLag;
  }

  void thread(unsigned who) {
    if (who == 0) {
      while (writer.sequence() < kAll)
        send();
    } else {
      for (int look = 0; look < 5; ++look)
        receive();
    }
  }

  void after() {
    for (int look = 0; look < 20; ++look)
      receive();
    RL_ASSERT(reader.sequence() == kAll && received + lost == kAll);
  }

  void send() {
    Position end = writer.position();
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      end += layout::record_bytes(8 * words_of(writer.sequence() + i));
    }
    if (kTwin == Twin::payload_before_limit) {
      write_payload(lane, writer.position(), writer.sequence());
    }
    if (kTwin == Twin::zero_before_limit) lane.header(end).store(0, std::memory_order_relaxed);
    writer.checkpoint_if_due();
    writer.grant(end + kHeaderBytes);
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      const Sequence sequence = writer.sequence() + i;
      write_payload(lane, writer.claim_position(), sequence);
      if (kTwin == Twin::first_header_first && i == 0) reveal_too_early();
      writer.append(header_of(sequence));
    }
    writer.publish();
  }

  void reveal_too_early() {
    const Position at = writer.position();
    // [sync:record] Release, so that only the order of the stores is wrong.
    lane.header(at).store(header_of(writer.sequence()).word(), std::memory_order_release);
  }

  void receive() {
    Record record;
    switch (reader.poll(record)) {
      case Poll::message: {
        const bool whole = is_whole(lane, record);
        if (!reader.validate(record.position)) {
          lost += reader.resynchronise();
          return;
        }
        RL_ASSERT(whole);
        reader.advance(record);
        reader.release();
        ++received;
        return;
      }
      case Poll::overrun: lost += reader.resynchronise(); return;
      case Poll::empty: RL_ASSERT(reader.sequence() % kBatch == 0); return;
      case Poll::broken: RL_ASSERT(false); return;
    }
  }
};

template <Twin kTwin>
using Lone = LaneSuite<kTwin, 1, 0>;
template <Twin kTwin>
using Batch = LaneSuite<kTwin, 2, 0>;
template <Twin kTwin>
using Lapped = LaneSuite<kTwin, 1, 6>;

}  // namespace

int run() {
  Verdict verdict;
  verdict.must_pass<Lone<Twin::none>>("lane: lone records");
  verdict.must_be_caught<Lone<Twin::relaxed_publish>>("lane: header published relaxed");
  verdict.must_be_caught<Lone<Twin::relaxed_poll>>("lane: header polled relaxed");
  verdict.must_pass<Batch<Twin::none>>("lane: batches of two");
  verdict.must_be_caught<Batch<Twin::relaxed_publish>>("lane: batch published relaxed");
  verdict.must_be_caught<Batch<Twin::first_header_first>>("lane: first header of a batch first");
  verdict.must_pass<Lapped<Twin::none>>("lane: a lapped reader", 1);
  verdict.must_be_caught<Lapped<Twin::no_release_fence>>("lane: no release fence after the limit");
  verdict.must_be_caught<Lapped<Twin::no_acquire_fence>>("lane: no acquire fence in validation");
  verdict.must_be_caught<Lapped<Twin::payload_before_limit>>("lane: payload before the limit");
  verdict.must_be_caught<Lapped<Twin::zero_before_limit>>("lane: zero before the limit");
  verdict.must_be_caught<Lapped<Twin::no_zero>>("lane: next header not zeroed");
  return verdict.exit_code();
}

}  // namespace millrace::model

int main() {
  return millrace::model::run();
}
