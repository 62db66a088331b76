#include "crashing_lane.hpp"

#include <algorithm>
#include <numeric>

namespace millrace::crash {

CrashingLane::CrashingLane(Flaw flaw, std::uint64_t ring_bytes, std::uint64_t seed)
    : lane_(now_.ring), random_(seed) {
  CrashWord::stores_left = CrashWord::kEndless;
  now_.ring.bytes = ring_bytes;
  now_.ring.flaw = flaw;
  now_.writer = LaneWriter<CrashMemory>(lane_, {0, 0});
  now_.reader = LaneReader<CrashMemory>(lane_, {0, 0});
  for (CrashWord& word : now_.ring.words)
    word.ignores_zero = flaw == Flaw::no_zero;
  now_.ring.version.frozen = flaw == Flaw::no_checkpoint;
}

bool CrashingLane::run(int operations) {
  for (int i = 0; i < operations; ++i) {
    const std::vector<Words> batch = random_batch(random_);
    const bool gives_up = random_() % 8 == 0;
    if (!kill_everywhere(batch, gives_up)) return false;
    publish(batch, gives_up);
    if (!limit_is_right()) return fail("the limit passed the newest checkpoint plus a ring");
    if (!drain(random_() % 4)) return false;
  }
  return drain(sent_.size());
}

bool CrashingLane::kill_everywhere(const std::vector<Words>& batch, bool gives_up) {
  const State before = now_;
  const std::size_t sent = sent_.size();
  for (std::uint64_t stores = 0;; ++stores) {
    const Checkpoint at{now_.writer.position(), now_.writer.sequence()};
    CrashWord::stores_left = stores;
    CrashWord::stores_done = 0;
    publish(batch, gives_up);
    const bool killed = CrashWord::stores_done > stores;
    CrashWord::stores_left = CrashWord::kEndless;
    sent_.resize(sent);
    const bool good = !killed || take_over(batch, at);
    if (!good) return false;
    now_ = before;
    sent_.resize(sent);
    if (!killed) return true;
    ++kills_;
  }
}

bool CrashingLane::publish(const std::vector<Words>& batch, bool gives_up) {
  LaneWriter<CrashMemory>& writer = now_.writer;
  for (const Words& words : batch) {
    const std::uint64_t length = 8 * words.size();
    if (!make_room(length)) return writer.abandon(), false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      lane_.header(writer.claim_position() + 8 + 8 * i).put(words[i]);
    }
    writer.append({.length = static_cast<std::uint32_t>(length),
                   .type = RecordType::message,
                   .sequence = 0,
                   .flags = 0,
                   .key = 0});
  }
  if (gives_up) return writer.abandon(), false;
  writer.publish();
  sent_.insert(sent_.end(), batch.begin(), batch.end());
  return true;
}

bool CrashingLane::make_room(std::uint64_t length) {
  Position needed = now_.writer.limit_needed(length);
  if (now_.ring.flaw == Flaw::no_room_for_zero) needed -= kHeaderBytes;
  return needed <= now_.writer.limit() || now_.keeper.raise(now_.writer, needed, now_.place);
}

// Somebody died while it published `batch` at `before`.
bool CrashingLane::take_over(const std::vector<Words>& batch, Checkpoint before) {
  std::mt19937_64 random(random_());
  Checkpoint expected = before;
  const std::uint64_t first = lane_.header(before.position).load(std::memory_order_relaxed);
  if (first != 0) {  // its last store was made: the batch is committed
    for (const Words& words : batch)
      expected.position += layout::record_bytes(8 * words.size());
    expected.sequence += batch.size();
    sent_.insert(sent_.end(), batch.begin(), batch.end());
  }
  for (bool dies_too = random() % 2 == 0;; dies_too = false) {
    if (!limit_is_right()) return fail("a kill left the limit too far above the checkpoint");
    const auto frontier = find_frontier<CrashMemory>(lane_);
    if (!frontier) return fail("recovery refused the lane");
    if (*frontier != expected) return fail("recovery found another frontier");
    if (dies_too) CrashWord::stores_left = random() % 4;
    now_.writer = LaneWriter<CrashMemory>(lane_, *frontier);
    CrashWord::stores_left = CrashWord::kEndless;
    if (!dies_too) break;
  }
  now_.keeper = {};
  return goes_on(random);
}

// What the successor sends, records of other sizes, arrives as well.
bool CrashingLane::goes_on(std::mt19937_64& random) {
  if (random() % 2 == 0 && !drain(random() % 8)) return false;
  for (int i = 0; i < 3; ++i) {
    publish(random_batch(random), random() % 8 == 0);
    if (!limit_is_right()) return fail("a successor's limit passed its checkpoint plus a ring");
    if (!drain(random() % 3)) return false;
  }
  return drain(sent_.size());
}

bool CrashingLane::limit_is_right() {
  const auto newest = Checkpoints<CrashMemory>::newest(lane_);
  const Position limit = lane_.limit().load(std::memory_order_relaxed);
  return now_.ring.flaw != Flaw::none || (newest && limit <= newest->position + lane_.capacity());
}

bool CrashingLane::drain(std::size_t messages) {
  LaneReader<CrashMemory>& reader = now_.reader;
  for (std::size_t i = 0; i < messages; ++i) {
    Record record;
    const Poll poll = reader.poll(record);
    if (poll == Poll::empty && reader.sequence() == sent_.size()) break;
    if (poll == Poll::empty) return fail("a committed message is missing");
    if (poll != Poll::message) return fail("the reader met garbage, or was overrun");
    if (record.sequence >= sent_.size()) return fail("a message that nobody committed");
    const Words& words = sent_[record.sequence];
    bool whole = record.length == 8 * words.size();
    for (std::size_t w = 0; whole && w < words.size(); ++w) {
      const CrashWord& word = lane_.header(record.position + 8 + 8 * w);
      whole = word.load(std::memory_order_relaxed) == words[w];
    }
    if (!whole || !reader.validate()) return fail("a torn message");
    reader.advance(record);
    reader.release();
    now_.place.place = reader.position();
  }
  return true;
}

bool CrashingLane::fail(const char* how) {
  broken_ = how;
  return false;
}

// Half of the words look like headers of messages that are expected about now.
std::vector<Words> CrashingLane::random_batch(std::mt19937_64& random) const {
  std::vector<Words> batch(random() % 3 == 0 ? 1 + random() % 4 : 1);
  std::uint64_t left = lane_.capacity() / kBatchesPerRingMin;
  const std::uint64_t longest = message_bytes_max(lane_.capacity()) / 8;
  for (Words& words : batch) {
    const std::uint64_t most = std::min(longest, left / 8 - 1);
    words.resize(random() % (most + 1));
    left -= 8 + 8 * words.size();
    for (std::uint64_t& word : words) {
      const layout::RecordHeader header{
          .length = static_cast<std::uint32_t>(8 * (random() % (longest + 1))),
          .type = RecordType::message,
          .sequence = static_cast<std::uint8_t>(sent_.size() + random() % 6),
          .flags = 0,
          .key = 0};
      word = random() % 2 == 0 ? header.word() : random() % 3;
    }
    if (left < 16) {
      batch.resize(static_cast<std::size_t>(&words - batch.data()) + 1);
      break;
    }
  }
  return batch;
}

}  // namespace millrace::crash
