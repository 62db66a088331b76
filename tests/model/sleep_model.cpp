// Sleep::announce and Sleep::wanted on simulated memory. Whoever goes to sleep for a record that
// gets committed is woken: by readers that sleep on headers, and by a producer that sleeps on a
// reader's position (the mirror image). Sleeping and waking are only noted: at the end every
// sleeper whose word changed must have been woken, which is stronger than what the kernel's futex
// needs.
//
// covers: core/include/millrace/core/sleep.hpp Sleep::announce
// covers: core/include/millrace/core/sleep.hpp Sleep::wanted
// mirrors: transport/src/lane_sleep.cpp LaneSet::await_publishers 4efcba0a9ca3
// mirrors: transport/src/lane_sleep.cpp LaneSet::prepare_to_sleep 6e157c7b1025
// mirrors: transport/src/lane_owner.cpp LaneOwner::park fb4ddade4a36
// mirrors: transport/include/millrace/transport/detail/publisher_state.hpp
//   PublisherState::publish 9d9bd5b98ed1
// mirrors: transport/include/millrace/transport/detail/subscriber_state.hpp
//   SubscriberState::give_back a408d1ea893f
#include "model_verdict.hpp"

namespace millrace::model {
namespace {

// How the two sides order their store before their load.
enum class Barrier : std::uint8_t {
  fences,             // a full fence on each side: what the fencing form does
  asymmetric,         // nothing in the publisher, a system-wide fence in the sleeper: membarrier
  none_in_publisher,  // twins
  none_in_sleeper,
  local_in_sleeper,  // asymmetric, but the sleeper fences only itself
};

enum class Rule : std::uint8_t {
  highest,  // of two announcements the higher stays; one up to the frontier wakes
  last,     // twin: a lower announcement may replace a higher one
  exact,    // twin: only an announcement of the very place wakes
};

struct SilentMemory : ModelMemory<> {
  static void light_barrier() noexcept {}
};

void heavy_barrier(Barrier barrier) {
  if (barrier == Barrier::asymmetric) rl::systemwide_fence(RL_INFO);
  if (barrier != Barrier::none_in_sleeper) ModelMemory<>::full_fence();
}

constexpr bool is_silent(Barrier barrier) {
  return barrier != Barrier::fences && barrier != Barrier::none_in_sleeper;
}

constexpr std::uint64_t kRingBytes = 128;

// Two records are committed, by one publisher in its lane, or by two in one order, where each wakes
// for its own and for any announcement up to a lap ahead. Two readers follow, and sleep where they
// find nothing.
template <Barrier kBarrier, Rule kRule, unsigned kPublishers = 1>
struct SleepSuite : rl::test_suite<SleepSuite<kBarrier, kRule, kPublishers>, 2 + kPublishers> {
  using Publishing = Sleep<SilentMemory>;

  ModelWord asleep_at;
  std::array<ModelWord, 2> headers;
  std::array<bool, 2> there{};
  std::array<bool, 2> woken{};
  std::array<std::array<bool, 2>, 2> asleep{};

  void thread(unsigned who) {
    if (who >= 2 && kPublishers == 1) {
      for (Position at = 0; at < 2; ++at)
        publish(at);
    } else if (who >= 2) {
      // A word comes only after the one before it.
      if (who == 2 || committed(0)) publish(who - 2);
    } else {
      for (Position at = 0; at < 2; ++at) {
        if (!await(at, who)) return;
      }
    }
  }

  void after() {
    for (Position at = 0; at < 2; ++at) {
      RL_ASSERT(woken[at] || !there[at] || !(asleep[0][at] || asleep[1][at]));
    }
  }

  void publish(Position at) {
    // [sync:record] Release, as LaneWriter::publish does.
    headers[at].store(1, std::memory_order_release);
    there[at] = true;
    const Position ahead = kPublishers == 1 ? 16 : kRingBytes;
    const Position frontier = 16 * at + (kRule == Rule::exact ? 0 : ahead);
    if (Publishing::wanted(asleep_at, 16 * at, frontier, !is_silent(kBarrier))) woken[at] = true;
  }

  bool await(Position at, unsigned who) {
    if (committed(at)) return true;
    if (kRule != Rule::last) {
      Sleep<ModelMemory<>>::announce(asleep_at, 16 * at, kRingBytes);
    } else {
      // [sync:sleep] The same order, but a lower value may replace a higher one.
      asleep_at.store(16 * at + 1, std::memory_order_seq_cst);
    }
    heavy_barrier(kBarrier);
    if (committed(at)) return true;
    asleep[who][at] = true;
    return false;
  }

  bool committed(Position at) {
    // [sync:record] Acquire, as LaneReader::poll does.
    return headers[at].load(std::memory_order_acquire) != 0;
  }
};

// A producer sleeps until a reader's position moves from where the ring is full.
template <Barrier kBarrier>
struct BackPressureSuite : rl::test_suite<BackPressureSuite<kBarrier>, 2> {
  ModelWord blocked_on;
  ModelWord position;
  bool asleep = false;
  bool woken = false;

  void thread(unsigned who) {
    if (who == 0) {
      Sleep<ModelMemory<>>::announce(blocked_on, 0, kRingBytes);
      heavy_barrier(kBarrier);
      // [sync:position] Acquire: the bytes before it are free to be overwritten.
      asleep = position.load(std::memory_order_acquire) == 0;
    } else {
      // [sync:position] Release: they were read.
      position.store(16, std::memory_order_release);
      woken = Sleep<SilentMemory>::wanted(blocked_on, 0, 16, !is_silent(kBarrier));
    }
  }

  void after() { RL_ASSERT(woken || !asleep); }
};

template <Barrier kBarrier>
using Readers = SleepSuite<kBarrier, Rule::highest>;
template <Barrier kBarrier, Rule kRule = Rule::highest>
using InOneOrder = SleepSuite<kBarrier, kRule, 2>;
template <Barrier kBarrier>
using Producer = BackPressureSuite<kBarrier>;

}  // namespace

int run() {
  Verdict verdict;
  verdict.must_pass<Readers<Barrier::fences>>("sleep: fences on both sides");
  verdict.must_pass<Readers<Barrier::asymmetric>>("sleep: system-wide fence in the sleeper");
  verdict.must_be_caught<Readers<Barrier::none_in_publisher>>("sleep: publisher without barrier");
  verdict.must_be_caught<Readers<Barrier::none_in_sleeper>>("sleep: sleeper without barrier");
  verdict.must_be_caught<Readers<Barrier::local_in_sleeper>>("sleep: asymmetric, local fence only");
  verdict.must_be_caught<SleepSuite<Barrier::fences, Rule::last>>("sleep: last announcement wins");
  verdict.must_be_caught<SleepSuite<Barrier::fences, Rule::exact>>("sleep: exact place wakes");
  verdict.must_pass_at_random<InOneOrder<Barrier::fences>>("sleep in one order: fences");
  verdict.must_pass_at_random<InOneOrder<Barrier::asymmetric>>(
      "sleep in one order: system-wide fence in the sleeper");
  verdict.must_be_caught<InOneOrder<Barrier::none_in_publisher>>(
      "sleep in one order: publisher without barrier");
  verdict.must_be_caught<InOneOrder<Barrier::fences, Rule::exact>>(
      "sleep in one order: exact place wakes");
  verdict.must_pass<Producer<Barrier::fences>>("back-pressure: fences on both sides");
  verdict.must_pass<Producer<Barrier::asymmetric>>("back-pressure: system-wide fence");
  verdict.must_be_caught<Producer<Barrier::none_in_publisher>>("back-pressure: silent release");
  verdict.must_be_caught<Producer<Barrier::none_in_sleeper>>("back-pressure: silent sleeper");
  return verdict.exit_code();
}

}  // namespace millrace::model

int main() {
  return millrace::model::run();
}
