// Rounds of lies that fit into a run of the tests; liar_search goes on for as long as one likes.
#include "process/liar_round.hpp"

#include <gtest/gtest.h>

namespace millrace::liar {
namespace {

#ifdef MILLRACE_ASAN
constexpr std::uint64_t kRounds = 3;
#else
constexpr std::uint64_t kRounds = 6;
#endif

void expect_harmless(Role role, Policy policy, Order order = Order::lane) {
  Outcome sum;
  for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
    const Outcome outcome =
        run_round({.role = role, .policy = policy, .order = order, .seed = seed});
    ASSERT_EQ(outcome.broken, "") << "liar_search --role " << to_string(role) << " --policy "
                                  << to_string(policy) << " --order " << to_string(order)
                                  << " --seed " << seed << " --rounds 1";
    sum.add(outcome);
  }
  EXPECT_GT(sum.lies, 0U);
  EXPECT_GT(sum.messages, 0U);
}

TEST(Liar, AsASubscriberHarmsNobodyWhoBlocks) {
  expect_harmless(Role::subscriber, Policy::block);
}

TEST(Liar, AsASubscriberHarmsNobodyWhoEvicts) {
  expect_harmless(Role::subscriber, Policy::evict);
}

TEST(Liar, AsASubscriberHarmsNobodyWhoIsLossy) {
  expect_harmless(Role::subscriber, Policy::lossy);
}

TEST(Liar, AsAPublisherHarmsNobodyWhoBlocks) {
  expect_harmless(Role::publisher, Policy::block);
}

TEST(Liar, AsAPublisherHarmsNobodyWhoEvicts) {
  expect_harmless(Role::publisher, Policy::evict);
}

TEST(Liar, AsAPublisherHarmsNobodyWhoIsLossy) {
  expect_harmless(Role::publisher, Policy::lossy);
}

// In one order a subscriber has no more rights than elsewhere. A publisher may spoil the order and
// so stop the channel: nobody crashes, hangs, or is handed what nobody said.
TEST(Liar, AsASubscriberHarmsNobodyInOneOrder) {
  expect_harmless(Role::subscriber, Policy::block, Order::total);
  expect_harmless(Role::subscriber, Policy::lossy, Order::total);
}

TEST(Liar, AsAPublisherOfOneOrderCanOnlyStopIt) {
  expect_harmless(Role::publisher, Policy::block, Order::total);
  expect_harmless(Role::publisher, Policy::lossy, Order::total);
}

}  // namespace
}  // namespace millrace::liar
