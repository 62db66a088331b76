// OrderRing and OrderWriter on simulated memory: two publishers and a reader, on a ring of so few
// words that the publishers lap it. A publisher fills its record, then publishes; the record needs
// no order of its own, because the swap of the word releases it.
//
// Whatever the reader finds behind a word is whole; words, and the numbers of messages, are dense;
// and `before` is right whenever it answers.
#include "millrace/core/order_ring.hpp"
//
// covers: core/include/millrace/core/order_ring.hpp OrderRing::look
// covers: core/include/millrace/core/order_ring.hpp OrderRing::frontier
// covers: core/include/millrace/core/order_ring.hpp OrderRing::before
// covers: core/include/millrace/core/order_ring.hpp OrderWriter::publish
// covers: core/include/millrace/core/order_ring.hpp OrderWriter::note_first
#include "model_verdict.hpp"

namespace millrace::model {
namespace {

enum class Twin : std::uint8_t {
  none,
  relaxed_swap,   // the word's compare-and-swap
  relaxed_look,   // the word's acquire load
  relaxed_first,  // the note of the messages before a group
  no_first,       // no note at all
  late_first,     // a note that is believed without the look that follows
  trusted_hint,   // the hint is taken for the frontier
  lying_hint,     // right all the same: it only says where to begin to look
};

constexpr std::uint64_t kWords = 4;

struct ModelOrderBytes {
  ModelWord hint;
  std::array<ModelWord, kWords> words;
  std::array<ModelWord, kWords / 2> firsts;
  ModelWord dummy;
};

template <Twin kTwin>
class ModelOrder {
 public:
  static constexpr std::uint64_t kGroup = 2;

  ModelOrder() = default;

  explicit ModelOrder(ModelOrderBytes& bytes) noexcept : bytes_(&bytes) {}

  [[nodiscard]] const layout::OrderShape& shape() const noexcept { return shape_; }

  // A reader that takes the lap for twice as long never looks at the word that proves the note.
  [[nodiscard]] std::uint64_t capacity() const noexcept {
    return kTwin == Twin::late_first ? 2 * kWords : kWords;
  }

  [[nodiscard]] ModelWord& hint() const noexcept { return bytes_->hint; }

  [[nodiscard]] ModelWord& word(Ordinal at) const noexcept { return bytes_->words[at % kWords]; }

  [[nodiscard]] ModelWord& first(Ordinal at) const noexcept {
    return kTwin == Twin::no_first ? bytes_->dummy : bytes_->firsts[at % kWords / 2];
  }

 private:
  ModelOrderBytes* bytes_ = nullptr;
  layout::OrderShape shape_{kWords};
};

template <Twin kTwin>
struct OrderMemory : ModelMemory<> {
  using Order = ModelOrder<kTwin>;
};

// Publish `turn` of publisher `who` reveals one message or two.
constexpr std::uint32_t count_of(std::uint64_t who, std::uint64_t turn) {
  return static_cast<std::uint32_t>(1 + (who + turn) % 2);
}

// Three publishes of each publisher go round the ring one and a half times; one of each is small
// enough to be tried in every order.
template <Twin kTwin, std::uint64_t kEach = 3>
struct OrderSuite : rl::test_suite<OrderSuite<kTwin, kEach>, 3> {
  static constexpr std::uint64_t kAll = 2 * kEach;

  using Memory = OrderMemory<kTwin>;
  using Ring = OrderRing<Memory>;

  ModelOrderBytes bytes;
  ModelOrder<kTwin> order{bytes};
  std::array<std::array<ModelWord, kEach>, 2> records;
  std::array<std::array<Ordered, kEach>, 2> placed;
  Ordinal next = 0;
  Sequence messages = 0;

  void before() {
    for (ModelWord& word : bytes.words) {
      if (kTwin == Twin::relaxed_swap) word.weaken_swaps();
      if (kTwin == Twin::relaxed_look) word.weaken_loads();
    }
    if (kTwin == Twin::lying_hint) bytes.hint.store(3, std::memory_order_relaxed);
    for (ModelWord& first : bytes.firsts) {
      if (kTwin == Twin::relaxed_first) first.weaken_swaps();
    }
  }

  void thread(unsigned who) {
    if (who == 2) {
      for (int look = 0; look < 3; ++look)
        read();
      check_before();
    } else {
      publish(who);
    }
  }

  void publish(unsigned who) {
    OrderWriter<Memory> writer(order);
    for (std::uint64_t turn = 0; turn < kEach; ++turn) {
      records[who][turn].store(100 + turn, std::memory_order_relaxed);
      if (kTwin == Twin::trusted_hint) {
        placed[who][turn] = publish_by_hint(who, turn);
        continue;
      }
      const auto done = writer.publish(block_of(who, turn), count_of(who, turn));
      RL_ASSERT(done.has_value());
      placed[who][turn] = *done;
    }
  }

  // What OrderWriter::publish would be if it believed the hint and never looked around.
  Ordered publish_by_hint(unsigned who, std::uint64_t turn) {
    for (;;) {
      const Ordinal at = order.hint().load(std::memory_order_relaxed);
      std::uint64_t seen = Ring::look(order, at);
      const std::uint64_t mine = order.shape().word(at, block_of(who, turn), count_of(who, turn));
      // [sync:order] The orders are right; only the word may be taken, or not be the next.
      if (!order.word(at).compare_exchange_strong(seen, mine, std::memory_order_acq_rel,
                                                  std::memory_order_acquire)) {
        continue;
      }
      order.hint().store(at + 1, std::memory_order_relaxed);
      return {at, Ring::before(order, at).value_or(~Sequence{0})};
    }
  }

  // Two bits of block: they tell which of the publishers, and its turn's parity.
  static std::uint64_t block_of(std::uint64_t who, std::uint64_t turn) {
    return 2 * who + turn % 2;
  }

  void read() {
    const std::uint64_t word = Ring::look(order, next);
    if (!order.shape().is(word, next)) {
      if (order.shape().reached(word, next)) jump();
      return;
    }
    const std::uint64_t who = order.shape().block(word) / 2;
    const std::uint64_t parity = order.shape().block(word) % 2;
    // The word says the turn's parity; turn 2 follows turn 0 only a lap later, or close behind.
    const std::uint64_t record = records[who][parity].load(std::memory_order_relaxed);
    const bool whole = record == 100 + parity;
    RL_ASSERT(whole || (parity == 0 && third_is_whole(who)));
    messages += order.shape().count(word);
    ++next;
  }

  [[nodiscard]] bool third_is_whole(std::uint64_t who) const {
    if constexpr (kEach < 3) return false;
    return records[who][kEach - 1].load(std::memory_order_relaxed) == 102;
  }

  void jump() {
    const Ordinal at = Ring::frontier(order, next);
    if (const auto before = Ring::before(order, at)) {
      next = at;
      messages = *before;
    }
  }

  // What `before` says while the publishers go on is checked in after(), against what they placed.
  std::array<std::optional<Sequence>, kAll + 1> said{};

  void check_before() {
    for (Ordinal at = 1; at <= kAll; ++at)
      said[at] = Ring::before(order, at);
  }

  void after() {
    std::array<std::uint32_t, kAll> counts{};
    std::array<Sequence, kAll> sequences{};
    for (std::uint64_t who = 0; who < 2; ++who) {
      for (std::uint64_t turn = 0; turn < kEach; ++turn) {
        const Ordered& one = placed[who][turn];
        RL_ASSERT(one.ordinal < kAll && counts[one.ordinal] == 0);
        RL_ASSERT(turn == 0 || placed[who][turn - 1].ordinal < one.ordinal);
        counts[one.ordinal] = count_of(who, turn);
        sequences[one.ordinal] = one.sequence;
      }
    }
    Sequence sum = 0;
    for (Ordinal at = 0; at < kAll; ++at) {
      RL_ASSERT(counts[at] != 0 && sequences[at] == sum);
      RL_ASSERT(!said[at] || *said[at] == sum);
      if (at == next) RL_ASSERT(messages == sum);
      sum += counts[at];
    }
    RL_ASSERT(!said[kAll] || *said[kAll] == sum);
    RL_ASSERT(Ring::frontier(order) == kAll && Ring::before(order, kAll) == sum);
  }
};

}  // namespace

int run() {
  Verdict verdict;
  verdict.must_pass<OrderSuite<Twin::none, 1>>("order: two publishers and a reader", 1);
  verdict.must_pass_at_random<OrderSuite<Twin::none>>("order: round the ring");
  verdict.must_pass_at_random<OrderSuite<Twin::lying_hint>>("order: a hint that lies");
  verdict.must_be_caught<OrderSuite<Twin::relaxed_swap>>("order: word swapped in relaxed");
  verdict.must_be_caught<OrderSuite<Twin::relaxed_look>>("order: word looked at relaxed");
  verdict.must_be_caught<OrderSuite<Twin::relaxed_first>>("order: note of a group written relaxed");
  verdict.must_be_caught<OrderSuite<Twin::no_first>>("order: no note of a group");
  verdict.must_be_caught<OrderSuite<Twin::late_first>>("order: note believed without a look");
  verdict.must_be_caught<OrderSuite<Twin::trusted_hint>>("order: hint believed");
  return verdict.exit_code();
}

}  // namespace millrace::model

int main() {
  return millrace::model::run();
}
