// One total order by fetch-and-add that survives death, the contender of the order ring: a producer
// says what it is about to claim (its intent), claims with one fetch_add, and says in a table of
// state words, beside the ring, whose the claim is and what became of it.
//
//   control:  claimed | passed | for each producer: intent, dead | words: one for each block
//   word:     lap (38 bits) | state (2) | producer (4) | messages (10) | blocks (10)
//
// A producer that dies before its word is written leaves a hole. Whoever comes to it judges it,
// without writing: first all intents, then the words behind the hole. The intents say whether the
// hole's owner may still be on its way; no word behind a hole is missed, because who has cleared
// its intent has written its word. `passed` is a reader that never leaves: nothing that is not
// settled is overwritten, even with nobody reading. So a producer that *stops* between claim and
// commit stops the log, which is its weakness against the order ring.
//
// One thread for each producer or reader. A producer's number is not used again by another life
// while a word of it is in the ring.
#pragma once

#include "log_records.hpp"
#include "millrace/core/cpu.hpp"
#include "millrace/core/crash_point.hpp"
#include "shared_ring.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

namespace millrace::alternatives {

class IntentLog {
 public:
  static constexpr std::uint32_t kProducersMax = 8;
  static constexpr std::uint64_t kClaimMax = 64;  // blocks

  // Bytes of control words for a ring of this size.
  static constexpr std::uint64_t control_bytes(std::uint64_t ring_bytes) noexcept {
    return kPageBytes + ring_bytes / kLogBlock * sizeof(std::uint64_t);
  }

  IntentLog(const RingMaps& maps, std::uint32_t producers) noexcept
      : control_(reinterpret_cast<Control*>(maps.control.data())),
        words_(reinterpret_cast<Word*>(maps.control.data() + kPageBytes)),
        ring_(maps.ring.data()),
        blocks_(maps.ring.ring_bytes() / kLogBlock),
        producers_(producers) {}

  // Call before the first publish if a reader is to be waited for.
  void wait_for_reader() noexcept { control_->reading.store(1); }

  // The proof of death, told by whoever has it.
  void is_dead(std::uint32_t producer) noexcept {
    // [sync:intent-dead] Release: whoever sees it sees all that the dead one has written.
    control_->producers[producer].dead.store(1, std::memory_order_release);
  }

  // Publishes as producer `me`; false: there is no room. REQUIRES at most kClaimMax blocks.
  bool try_publish(std::uint32_t me, std::span<const Message> messages) noexcept {
    const std::uint64_t blocks = blocks_of(messages);
    // [sync:intent-claim] Acquire: the intents of claims before this one are seen.
    const std::uint64_t seen = control_->claimed.load(std::memory_order_acquire);
    if (seen + blocks > limit_ && !make_room(seen + blocks)) return false;
    Word& intent = control_->producers[me].intent;
    // [sync:intent] Release: who sees it sees the word of our claim before.
    intent.store(seen << 1 | 1, std::memory_order_release);
    MILLRACE_CRASH_POINT("intent.said");
    // [sync:intent-claim] Sequentially consistent: who sees the claim sees the intent.
    const std::uint64_t at = control_->claimed.fetch_add(blocks, std::memory_order_seq_cst);
    MILLRACE_CRASH_POINT("intent.claimed");
    const std::uint64_t word = word_of(at, me, messages.size(), blocks);
    // [sync:intent-word] Release, as the commit.
    this->word(at).store(word | State::claimed, std::memory_order_release);
    MILLRACE_CRASH_POINT("intent.attributed");
    // [sync:intent] Release: who sees no intent sees the word.
    intent.store(0, std::memory_order_release);
    MILLRACE_CRASH_POINT("intent.withdrawn");
    write_messages(place(at), messages);
    MILLRACE_CRASH_POINT("intent.written");
    // [sync:intent-word] Release: who sees the commit sees the messages.
    this->word(at).store(word | State::committed, std::memory_order_release);
    return true;
  }

  void publish(std::uint32_t me, std::span<const Message> messages) noexcept {
    while (!try_publish(me, messages))
      cpu::pause();
  }

  // The next committed publish's messages. False: there is none yet.
  template <class Handler>
  bool read(Handler&& handler) {
    for (;;) {
      const auto found = settle(next_);
      if (!found) return false;
      const std::uint64_t at = next_;
      next_ = found->next;
      if (found->committed) read_messages(place(at), found->messages, handler);
      // [sync:intent-place] Release: what was read may be overwritten.
      control_->read.store(next_, std::memory_order_release);
      if (found->committed) return true;
    }
  }

 private:
  using Word = std::atomic<std::uint64_t>;

  struct State {
    static constexpr std::uint64_t claimed = std::uint64_t{1} << 24;
    static constexpr std::uint64_t committed = std::uint64_t{2} << 24;
    static constexpr std::uint64_t mask = std::uint64_t{3} << 24;
  };

  struct Producer {
    alignas(128) Word intent;  // 0, or what was claimed when it was said: 63 bits, then a 1
    Word dead;
  };

  struct Control {
    alignas(128) Word claimed;  // blocks since the beginning
    alignas(128) Word passed;   // everything before is settled
    alignas(128) Word read;     // by the reader, if there is one
    Word reading;
    Producer producers[kProducersMax];
  };

  static_assert(sizeof(Control) <= kPageBytes);

  // What becomes of the claim at a place: its messages, or nothing up to `next`.
  struct Settled {
    std::uint64_t next;
    std::uint64_t messages;
    bool committed;
  };

  [[nodiscard]] std::uint64_t lap(std::uint64_t at) const noexcept { return at / blocks_ + 1; }

  [[nodiscard]] std::uint64_t word_of(std::uint64_t at, std::uint64_t me, std::uint64_t messages,
                                      std::uint64_t blocks) const noexcept {
    return lap(at) << 26 | messages << 14 | me << 10 | blocks;
  }

  [[nodiscard]] Word& word(std::uint64_t at) const noexcept { return words_[at & (blocks_ - 1)]; }

  [[nodiscard]] std::byte* place(std::uint64_t at) const noexcept {
    return ring_ + (at & (blocks_ - 1)) * kLogBlock;
  }

  [[nodiscard]] bool dead(std::uint64_t producer) const noexcept {
    // [sync:intent-dead] Acquire: see is_dead.
    return control_->producers[producer % kProducersMax].dead.load(std::memory_order_acquire) != 0;
  }

  // Nothing: it is still open, or nothing is claimed there.
  [[nodiscard]] std::optional<Settled> settle(std::uint64_t at) const noexcept {
    // [sync:intent-word] Acquire: see the commit.
    std::uint64_t found = word(at).load(std::memory_order_acquire);
    if (found >> 26 != lap(at)) return settle_hole(at);
    const Settled settled{at + (found & 0x3ff), found >> 14 & 0x3ff, true};
    if ((found & State::mask) == State::committed) return settled;
    if (!dead(found >> 10 & 0xf)) return std::nullopt;
    // [sync:intent-word] Acquire: it may have committed just before it died.
    found = word(at).load(std::memory_order_acquire);
    return Settled{settled.next, settled.messages, (found & State::mask) == State::committed};
  }

  // A claim without a word: its owner is on its way, or has died.
  [[nodiscard]] std::optional<Settled> settle_hole(std::uint64_t at) const noexcept {
    // [sync:intent-claim] Acquire: the intents of all claims up to there are seen.
    const std::uint64_t claimed = control_->claimed.load(std::memory_order_acquire);
    if (claimed == at) return std::nullopt;
    for (std::uint32_t each = 0; each < producers_; ++each) {
      // [sync:intent] Acquire: if it is withdrawn, its word is seen below.
      const std::uint64_t intent = control_->producers[each].intent.load(std::memory_order_acquire);
      if ((intent & 1) != 0 && intent >> 1 < claimed && !dead(each)) return std::nullopt;
    }
    std::uint64_t end = at;
    // [sync:intent-word] Acquire, and after the intents: who has none has written its word.
    while (end < claimed && word(end).load(std::memory_order_acquire) >> 26 != lap(end))
      ++end;
    if (end == at) return std::nullopt;  // its word has come meanwhile: look again
    return Settled{end, 0, false};
  }

  // Moves what never leaves on, far enough for a claim up to `end`, and some more.
  bool make_room(std::uint64_t end) noexcept {
    const std::uint64_t guard = producers_ * kClaimMax;  // each may have claimed once beyond
    const std::uint64_t wanted = end + guard + blocks_ / 16;
    // [sync:intent-place] Acquire: what is overwritten has been settled, and read.
    std::uint64_t passed = control_->passed.load(std::memory_order_acquire);
    while (passed + blocks_ < wanted) {
      const auto settled = settle(passed);
      if (!settled) break;
      // [sync:intent-place] Release: who overwrites it sees that it was settled.
      if (control_->passed.compare_exchange_strong(passed, settled->next, std::memory_order_acq_rel,
                                                   std::memory_order_acquire)) {
        passed = settled->next;
      }
    }
    std::uint64_t slowest = passed;
    if (control_->reading.load(std::memory_order_relaxed) != 0) {
      // [sync:intent-place] Acquire: what is overwritten has been read.
      slowest = std::min(slowest, control_->read.load(std::memory_order_acquire));
    }
    limit_ = slowest + blocks_ - guard;
    return end <= limit_;
  }

  Control* control_;
  Word* words_;
  std::byte* ring_;
  std::uint64_t blocks_;     // of the ring, a power of two
  std::uint32_t producers_;  // numbers below this are used
  std::uint64_t limit_ = 0;  // claims up to here need not look at anybody
  std::uint64_t next_ = 0;   // of the reader
};

}  // namespace millrace::alternatives
