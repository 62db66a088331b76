// LimitKeeper on plain memory: the invariants I1-I3 of lane_writer.hpp under every mix of records,
// batches and claims given up, and honest readers among liars.
#include "millrace/core/join.hpp"
#include "plain_lane.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

// A reader's words, and what the producer is told about them.
struct Place {
  bool counted = false;
  Position position = 0;
};

class Crowd {
 public:
  std::vector<Place> places;

  std::uint64_t generation() const { return generation_; }

  void refresh() {}

  void raise_generation() { ++generation_; }

  Position slowest(Position floor) const {
    Position least = kNoReader;
    for (const Place& place : places) {
      if (place.counted && place.position >= floor) least = std::min(least, place.position);
    }
    return least;
  }

 private:
  std::uint64_t generation_ = 0;
};

struct Own {
  Crowd& crowd;
  std::size_t index;

  void stand_at(Checkpoint at) { crowd.places[index] = {true, at.position}; }

  void announce() { crowd.raise_generation(); }
};

using Keeper = LimitKeeper<ProductionMemory, Crowd>;

void expect_invariants(const Writer& writer) {
  const LaneView& lane = writer.lane();
  const Position limit = lane.limit().load(std::memory_order_relaxed);
  ASSERT_EQ(limit, writer.limit());
  ASSERT_LE(writer.claim_position() + (writer.open_count() ? kHeaderBytes : 0), limit);
  ASSERT_LE(limit, Table::newest(lane)->position + lane.capacity());
  ASSERT_EQ(lane.header(writer.position()).load(std::memory_order_relaxed), 0u);
}

// Adds a record to the open batch if the readers let it.
bool try_append(Writer& writer, Keeper& keeper, Crowd& crowd, std::uint64_t length) {
  const Position needed = writer.limit_needed(length);
  if (!writer.has_room(length) && !keeper.raise(writer, needed, crowd)) return false;
  append(writer, length);
  return true;
}

// Fills a batch up to half a ring with records of up to `longest` bytes.
void fill_batch(Writer& writer, Keeper& keeper, Crowd& crowd, std::mt19937_64& random) {
  const std::uint64_t capacity = writer.lane().capacity();
  const std::uint64_t most = random() % 3 == 0 ? message_bytes_max(capacity) : random() % 64;
  const std::uint64_t records = random() % 2 == 0 ? 1 : 1 + random() % 64;
  for (std::uint64_t i = 0; i < records; ++i) {
    const std::uint64_t length = random() % 4 == 0 ? most : random() % (most + 1);
    const Position open = writer.claim_position() - writer.position();
    if (open + layout::record_bytes(length) > capacity / kBatchesPerRingMin) return;
    if (!try_append(writer, keeper, crowd, length)) return;
  }
}

TEST(Limit, NeverPassesTheNewestCheckpointByMoreThanARing) {
  for (const std::uint64_t ring_bytes : {kRingBytesMin, 4 * kRingBytesMin}) {
    PlainLane lane(ring_bytes);
    Writer writer(lane.view(), {});
    Crowd nobody;
    Keeper keeper;
    std::mt19937_64 random(ring_bytes);
    for (int i = 0; i < 50'000; ++i) {
      fill_batch(writer, keeper, nobody, random);
      ASSERT_NO_FATAL_FAILURE(expect_invariants(writer)) << "operation " << i;
      if (writer.open_count() == 0 || random() % 5 == 0) {
        writer.abandon();
      } else {
        writer.publish();
      }
      ASSERT_NO_FATAL_FAILURE(expect_invariants(writer)) << "operation " << i;
    }
  }
}

TEST(Limit, IsNotCarriedAwayByALargeBatchThatWasAbandoned) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  Crowd nobody;
  Keeper keeper;
  while (try_append(writer, keeper, nobody, 500) && writer.claim_position() < 2000) {
  }
  writer.abandon();
  const Position high = writer.limit();
  while (writer.position() + 64 < high) {  // nothing asks for a new limit here
    append(writer, 8);
    writer.publish();
  }
  std::uint64_t open = 0;
  for (; open + 24 <= kRingBytesMin / 2; open += 24) {
    ASSERT_TRUE(try_append(writer, keeper, nobody, 16));
    ASSERT_NO_FATAL_FAILURE(expect_invariants(writer));
  }
}

TEST(Limit, IsAskedForAgainWhenTheSlowestReaderMoves) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  Crowd crowd;
  crowd.places = {{true, 0}};
  Keeper keeper;
  while (try_append(writer, keeper, crowd, 56))
    writer.publish();
  EXPECT_EQ(writer.position(), kRingBytesMin - 64);
  crowd.places[0].position = 64;
  EXPECT_TRUE(try_append(writer, keeper, crowd, 56));
  writer.publish();
  EXPECT_FALSE(try_append(writer, keeper, crowd, 56));
}

TEST(Limit, ForgetsAReaderThatWasDropped) {
  PlainLane lane;
  Writer writer(lane.view(), {});
  Crowd crowd;
  crowd.places = {{true, 0}};
  Keeper keeper;
  while (try_append(writer, keeper, crowd, 56))
    writer.publish();
  crowd.places[0].counted = false;
  keeper.forget();
  EXPECT_TRUE(try_append(writer, keeper, crowd, 56));
}

// Honest readers come, lag, read and leave; liars say anything. No honest one is ever overrun, and
// each gets every message from its place on.
class HonestReaders {
 public:
  HonestReaders(LaneView lane, Crowd& crowd, std::size_t count)
      : lane_(lane), crowd_(&crowd), readers_(count), inside_(count) {}

  void act(std::size_t i, std::mt19937_64& random) {
    if (!inside_[i]) return join(i, random);
    if (random() % 64 == 0) return leave(i);
    for (std::uint64_t n = random() % 32; n > 0 && read_one(i); --n) {
    }
    crowd_->places[i].position = readers_[i].position();
  }

  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  void join(std::size_t i, std::mt19937_64& random) {
    const From from[] = {From::oldest(), From::now(), From::at(random() % 5000)};
    Own own{*crowd_, i};
    const auto place = Join<ProductionMemory, Own>::take_place(lane_, from[random() % 3], own);
    ASSERT_TRUE(place);
    readers_[i] = Reader(lane_, *place);
    inside_[i] = true;
  }

  void leave(std::size_t i) {
    crowd_->places[i].counted = false;
    inside_[i] = false;
    crowd_->raise_generation();
  }

  bool read_one(std::size_t i) {
    Reader& reader = readers_[i];
    Record record;
    const Poll poll = reader.poll(record);
    if (poll == Poll::empty) return false;
    EXPECT_EQ(poll, Poll::message);
    if (poll != Poll::message) return false;
    EXPECT_TRUE(is_whole(lane_, record));
    EXPECT_TRUE(reader.validate());
    reader.advance(record);
    reader.release();
    ++received_;
    return true;
  }

  LaneView lane_;
  Crowd* crowd_;
  std::vector<Reader> readers_;
  std::vector<bool> inside_;
  std::uint64_t received_ = 0;
};

Position lie(const Writer& writer, std::mt19937_64& random) {
  switch (random() % 5) {
    case 0: return writer.position() + random() % 10'000;  // what is not written yet
    case 1: return random();                               // anything
    case 2: return 0;                                      // far below
    case 3: return ~Position{0} - random() % 10'000;       // sums with it wrap
    default: return writer.position() - random() % (2 * kRingBytesMin);
  }
}

TEST(Limit, ProtectsEveryHonestReaderFromTheProducerAndFromLiars) {
  constexpr std::size_t kHonest = 4;
  constexpr std::size_t kAll = 8;
  PlainLane lane;
  Writer writer(lane.view(), {});
  Crowd crowd;
  crowd.places.resize(kAll);
  Keeper keeper;
  HonestReaders honest(lane.view(), crowd, kHonest);
  std::mt19937_64 random(5);
  for (int i = 0; i < 100'000 && !testing::Test::HasFailure(); ++i) {
    fill_batch(writer, keeper, crowd, random);
    expect_invariants(writer);
    if (writer.open_count() != 0) writer.publish();
    honest.act(random() % kHonest, random);
    crowd.places[kHonest + random() % (kAll - kHonest)] = {random() % 4 != 0, lie(writer, random)};
    if (random() % 8 == 0) crowd.raise_generation();
  }
  EXPECT_GT(honest.received(), 50'000u);
}

}  // namespace
}  // namespace millrace
