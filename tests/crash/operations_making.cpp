// Lanes and channels that come to be.
#include "operation.hpp"
#include "survivors.hpp"

#include <array>

namespace millrace::crash {

namespace {

void with_a_companion(Actor& me) {
  me.open();
  me.companion = me.must(me.channel->subscriber({.lossy = true}));
}

void make_lane(Actor& me) {
  me.source = me.must(me.channel->publisher({.name = kVictimLane, .wait = Wait::park}));
  me.owns_lane();
}

void make_unnamed_lane(Actor& me) {
  me.source = me.must(me.channel->publisher({.wait = Wait::park}));
}

void close_lane(Actor& me) {
  me.source.reset();
  me.ledger().owned.store(0, std::memory_order_relaxed);
}

void with_a_lane(Actor& me) {
  me.publishes();
  me.send(4);
  me.ledger().owned.store(0, std::memory_order_relaxed);  // any moment now
}

void publish_on(Actor& me) {
  me.send(40);
}

void make_channel(Actor& me) {
  ChannelOptions options;
  options.ring_bytes = kSmallRing;
  options.order = me.order;
  me.channel = me.must(me.domain->create("fresh", options));
}

void open_channel(Actor& me) {
  me.channel = me.must(me.domain->find(kChannel));
}

void domain_only(Actor& me) {
  me.domain = me.must(open_domain(me.directory(), "victim"));
}

void use_fresh(Survivors& others) {
  others.use_channel("fresh");
}

constexpr std::array kOperations{
    Operation{
        .name = "make a lane", .act = make_lane, .prepare = with_a_companion, .go_on = publish_on},
    Operation{
        .name = "make an unnamed lane", .act = make_unnamed_lane, .prepare = with_a_companion},
    Operation{.name = "close a lane", .act = close_lane, .prepare = with_a_lane},
    Operation{
        .name = "make a channel", .act = make_channel, .prepare = domain_only, .judge = use_fresh},
    Operation{.name = "open a channel", .act = open_channel, .prepare = domain_only},
};

}  // namespace

std::span<const Operation> making_operations() {
  return kOperations;
}

}  // namespace millrace::crash
