// One total order over many lanes. A publisher writes its records into its own lane, where nobody
// looks yet; then one compare-and-swap of the next free word of the order ring is claim,
// attribution and commit at once. There are no holes and nothing to repair: a publisher that dies
// before it has published nothing, one that stops before it delays nobody, and if it wakes up a lap
// later its swap fails, because the word it saw is gone for ever.
//
//   O1  word k is written only after word k - 1, so the words are dense
//   O2  a word is overwritten only by the one a lap later, which comes only after everything a
//       reader that is waited for still has to read (there are as many words as blocks in all
//       lanes, and such a reader keeps each of its unread blocks in its lane)
//   O3  before word k, the first of its group, is written, first[k] is at least the number of
//       messages before it; it is more only once word k + words - 1 has been written
//
// Lock-free: whoever fails to swap has been overtaken by somebody who did not. No system call, no
// allocation.
#pragma once

#include "millrace/core/crash_point.hpp"
#include "millrace/core/memory_policy.hpp"
#include "millrace/core/order_view.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace millrace {

// What everybody can see of the order, read-only, at any time.
template <class Memory>
class OrderRing {
 public:
  using Order = typename Memory::Order;

  // Word `ordinal`'s place as it is now; shape().is() says whether it is that word.
  static std::uint64_t look(const Order& order, Ordinal ordinal) noexcept {
    // [sync:order] Acquire. Without it the records could be read before the word that says they are
    // there, and so could every word before this one.
    return order.word(ordinal).load(std::memory_order_acquire);
  }

  // The first free ordinal. `known`: one that is not beyond it.
  static Ordinal frontier(const Order& order, Ordinal known) noexcept {
    for (Ordinal at = known;;) {
      const std::uint64_t word = look(order, at);
      if (!order.shape().reached(word, at)) return at;
      at = order.shape().after(word, at);
    }
  }

  // The same for who knows nothing. The hint may lie; it only says where to begin to look.
  static Ordinal frontier(const Order& order) noexcept {
    return frontier(order, checked(order, order.hint().load(std::memory_order_relaxed)));
  }

  // `guess`, if it is not beyond the first free ordinal, else one that is not.
  static Ordinal checked(const Order& order, Ordinal guess) noexcept {
    if (guess == 0) return 0;
    const std::uint64_t word = look(order, guess - 1);
    return order.shape().reached(word, guess - 1) ? guess : order.shape().after(word, guess - 1);
  }

  // Messages before word `ordinal`; nothing if the words that say so are not there any more, or not
  // yet.
  static std::optional<Sequence> before(const Order& order, Ordinal ordinal) noexcept {
    if (ordinal == 0) return Sequence{0};
    if (!order.shape().possible(ordinal)) return std::nullopt;
    const Ordinal group = (ordinal - 1) / Order::kGroup * Order::kGroup;
    std::uint64_t messages = 0;
    for (Ordinal at = group; at < ordinal; ++at) {
      const std::uint64_t word = look(order, at);
      if (!order.shape().is(word, at)) return std::nullopt;
      messages += order.shape().count(word);
    }
    // [sync:order-first] Acquire: if this is of the next lap already, the look that follows sees
    // the word before that group. It comes after the group's own words (O3).
    const Sequence first = order.first(group).load(std::memory_order_acquire);
    const Ordinal last = group + order.capacity() - 1;
    if (order.shape().reached(look(order, last), last)) return std::nullopt;
    return first + messages;
  }
};

// Where a publish has come to stand.
struct Ordered {
  Ordinal ordinal = 0;
  Sequence sequence = 0;  // of its first message
};

// A publisher's side. One thread at a time.
template <class Memory>
class OrderWriter {
 public:
  using Order = typename Memory::Order;
  using Ring = OrderRing<Memory>;

  OrderWriter() = default;

  explicit OrderWriter(Order order) noexcept : order_(order), next_(Ring::frontier(order)) {}

  [[nodiscard]] const Order& order() const noexcept { return order_; }

  // Behind everything this publisher has published.
  [[nodiscard]] Ordinal next() const noexcept { return next_; }

  // Messages of the channel so far; those of others since our last publish may be missing.
  [[nodiscard]] Sequence messages() const noexcept {
    return Ring::before(order_, Ring::frontier(order_, next_)).value_or(messages_);
  }

  // Makes the `count` messages that begin at `block` of all lanes the next of the channel. Nothing:
  // the ring contradicts itself, some publisher has written what none writes.
  // REQUIRES: their records are complete in the lane, 1 <= count <= kOrderCountMax.
  std::optional<Ordered> publish(std::uint64_t block, std::uint32_t count) noexcept {
    Ordinal at = next_;
    // Relaxed: a hint. Without a word before it that has been reached, it is none.
    at = std::max(at, Ring::checked(order_, order_.hint().load(std::memory_order_relaxed)));
    for (;;) {
      const auto before = messages_before(at);
      std::uint64_t seen = Ring::look(order_, at);
      if (!before || order_.shape().reached(seen, at)) {
        const Ordinal free = Ring::frontier(order_, before ? at : next_);
        if (free == at) return std::nullopt;  // whoever overtook us would have moved it
        at = free;
        continue;
      }
      if (at % Order::kGroup == 0) note_first(at, *before);
      MILLRACE_CRASH_POINT("order.chosen");
      const std::uint64_t mine = order_.shape().word(at, block, count);
      // [sync:order] Release: without it a reader could follow the word to a record that is not
      // there yet.
      if (order_.word(at).compare_exchange_strong(seen, mine, std::memory_order_acq_rel,
                                                  std::memory_order_acquire)) {
        MILLRACE_CRASH_POINT("order.placed");
        return settle({at, *before}, count);
      }
    }
  }

 private:
  std::optional<Sequence> messages_before(Ordinal at) const noexcept {
    if (at == next_ && known_) return messages_;
    return Ring::before(order_, at);
  }

  // Every candidate for the word writes the same number; one that comes a lap late finds more.
  void note_first(Ordinal at, Sequence before) noexcept {
    Word& first = order_.first(at);
    Sequence seen = first.load(std::memory_order_relaxed);
    while (seen < before) {
      // [sync:order-first] Release: who sees it sees the word before this group.
      if (first.compare_exchange_strong(seen, before, std::memory_order_release,
                                        std::memory_order_relaxed)) {
        break;
      }
    }
    MILLRACE_CRASH_POINT("order.first");
  }

  Ordered settle(Ordered placed, std::uint32_t count) noexcept {
    next_ = placed.ordinal + 1;
    messages_ = placed.sequence + count;
    known_ = true;
    order_.hint().store(next_, std::memory_order_relaxed);
    return placed;
  }

  using Word = typename Memory::Word;

  Order order_{};
  Ordinal next_ = 0;
  Sequence messages_ = 0;  // before next_, if known_
  bool known_ = false;
};

}  // namespace millrace
