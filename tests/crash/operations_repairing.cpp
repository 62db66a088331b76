// Repairs: somebody has died already, and now dies who repairs what that one left.
#include "millrace/core/private_name.hpp"
#include "operation.hpp"
#include "survivors.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <sys/stat.h>

namespace millrace::crash {

namespace {

// Published, and then killed in the middle of a batch.
void one_died_publishing(Survivors& others) {
  others.let_die([](Actor& one) {
    one.publishes();
    one.send(4);
    Batch batch = one.must(one.source->batch());
    for (int i = 0; i < 3; ++i)
      one.must(batch.add(std::as_bytes(std::span(one.text)), kVictim));
    raise(SIGKILL);
  });
  others.read_all();
}

void one_died_reading(Survivors& others) {
  others.let_die([](Actor& one) { one.subscribes({.from = From::oldest()}); });
}

// A reader, an unnamed lane that all have read, a channel half made, a channel that nobody uses.
void many_died(Survivors& others) {
  one_died_publishing(others);
  one_died_reading(others);
  others.let_die([](Actor& one) {
    one.open();
    one.source = one.must(one.channel->publisher());
    one.must(one.source->try_send(testing_support::numbered_text(0), kDead));
  });
  others.let_die([](Actor& one) {
    one.open();
    ChannelOptions options;
    options.ring_bytes = kSmallRing;
    options.order = one.order;
    const Channel old = one.must(one.domain->create("old", options));
    one.source = one.must(old.publisher());
    const std::string ruin =
        one.directory() + "/" + private_name(one.source->stats().publisher.incarnation);
    mkdir(ruin.c_str(), 0700);
  });
  others.read_all();
}

void with_a_companion(Actor& me) {
  me.ledger().owned.store(0, std::memory_order_relaxed);
  me.open();
  me.companion = me.must(me.channel->subscriber({.lossy = true}));
  if (me.order == Order::lane) return;
  // In one order only the messages themselves say with which the dead one stopped.
  me.reader = me.must(me.channel->subscriber({.from = From::oldest(), .lossy = true}));
  me.read();
}

void take_over(Actor& me) {
  me.source = me.must(me.channel->publisher({.name = kVictimLane, .wait = Wait::park}));
  me.owns_lane();
}

void publish_on(Actor& me) {
  me.send(40);
}

// The dead one has read nothing, so it stands in the way of the next message.
void up_to_the_dead(Actor& me) {
  me.publishes();
  me.send_up_to(kSmallRing);
}

void publish_past_the_dead(Actor& me) {
  me.send();
}

void clean(Actor& me) {
  const CleanReport report = me.must(me.domain->clean({.channels_too = true}));
  if (!report.kept.empty()) me.give_up(report.kept.front());
}

const Operation& publishing(std::string_view name) {
  return *std::ranges::find(publishing_operations(), name,
                            [](const Operation& one) { return std::string_view(one.name); });
}

// The recoverer dies, too, and a second one repairs.
const std::array kOperations{
    Operation{.name = "take over the lane of a dead publisher",
              .act = take_over,
              .prepare = with_a_companion,
              .go_on = publish_on,
              .before = one_died_publishing},
    Operation{.name = "take over, after a death in publishing",
              .act = take_over,
              .prepare = with_a_companion,
              .go_on = publish_on,
              .after = &publishing("publish")},
    Operation{.name = "take over, after a death in a batch",
              .act = take_over,
              .prepare = with_a_companion,
              .go_on = publish_on,
              .after = &publishing("publish a batch")},
    Operation{.name = "take over, after a death in raising the limit",
              .act = take_over,
              .prepare = with_a_companion,
              .go_on = publish_on,
              .after = &publishing("raise the limit, write a checkpoint")},
    Operation{.name = "drop a dead reader, and publish",
              .act = publish_past_the_dead,
              .prepare = up_to_the_dead,
              .go_on = publish_on,
              .before = one_died_reading,
              .waits = true},
    Operation{.name = "clean", .act = clean, .prepare = with_a_companion, .before = many_died},
};

}  // namespace

std::span<const Operation> repairing_operations() {
  return kOperations;
}

}  // namespace millrace::crash
