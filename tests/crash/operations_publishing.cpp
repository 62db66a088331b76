// A publisher's own path: send, claim, batch, abort, a new limit and its checkpoint.
#include "numbered_text.hpp"
#include "operation.hpp"
#include "survivors.hpp"

#include <algorithm>
#include <array>

namespace millrace::crash {

namespace {

using testing_support::numbered_text;

constexpr std::uint64_t kBefore = 4;

void with_some_messages(Actor& me) {
  me.publishes();
  me.send(kBefore);
  me.text = numbered_text(me.number());
  me.begins();
}

void publish(Actor& me) {
  const auto sent = me.source->try_send(std::as_bytes(std::span(me.text)), kVictim);
  if (!sent) me.give_up(sent.error().sentence());
  me.committed();
}

void claim_and_publish(Actor& me) {
  auto claim = me.source->try_claim(me.text.size(), kVictim);
  if (!claim) me.give_up(claim.error().sentence());
  std::ranges::copy(std::as_bytes(std::span(me.text)), claim->bytes().begin());
  std::move(*claim).publish();
  me.committed();
}

void claim_and_abort(Actor& me) {
  auto claim = me.source->try_claim(me.text.size(), kVictim);
  if (!claim) me.give_up(claim.error().sentence());
  std::ranges::copy(std::as_bytes(std::span(me.text)), claim->bytes().begin());
  std::move(*claim).abort();
}

void publish_batch(Actor& me) {
  me.send_batch(3);
}

void abort_batch(Actor& me) {
  Batch batch = me.must(me.source->batch());
  for (int i = 0; i < 3; ++i)
    me.must(batch.add(std::as_bytes(std::span(me.text)), kVictim));
}

// The next message needs a new limit, and a checkpoint.
void up_to_the_limit(Actor& me) {
  me.publishes();
  me.send(kBefore);
  me.send_up_to(me.source->stats().limit);
}

// The slowest reader has read nothing; room for the next message is what it stands on.
void up_to_the_slowest(Actor& me) {
  me.publishes();
  me.send_up_to(kSmallRing);
}

void with_a_slow_reader(Survivors& others) {
  others.add_slow_reader();
}

void publish_when_there_is_room(Actor& me) {
  me.send();
}

void send_a_few(Actor& me) {
  me.send(5);
}

void go_on(Actor& me) {
  me.send(40);
}

constexpr std::array kOperations{
    Operation{.name = "publish", .act = publish, .prepare = with_some_messages, .go_on = go_on},
    Operation{.name = "claim and publish",
              .act = claim_and_publish,
              .prepare = with_some_messages,
              .go_on = go_on},
    Operation{.name = "claim and abort",
              .act = claim_and_abort,
              .prepare = with_some_messages,
              .go_on = go_on},
    Operation{.name = "publish a batch",
              .act = publish_batch,
              .prepare = with_some_messages,
              .go_on = go_on},
    Operation{
        .name = "abort a batch", .act = abort_batch, .prepare = with_some_messages, .go_on = go_on},
    Operation{.name = "raise the limit, write a checkpoint",
              .act = publish,
              .prepare = up_to_the_limit,
              .go_on = go_on},
    Operation{.name = "publish to a sleeper",
              .act = publish,
              .prepare = with_some_messages,
              .go_on = go_on,
              .meanwhile = Meanwhile::sleep},
    Operation{.name = "sleep on a full ring, and publish",
              .act = publish_when_there_is_room,
              .prepare = up_to_the_slowest,
              .go_on = go_on,
              .meanwhile = Meanwhile::make_way,
              .waits = true},
    Operation{.name = "evict a reader, and publish",
              .act = publish,
              .prepare = up_to_the_slowest,
              .go_on = send_a_few,
              .policy = Policy::evict,
              .before = with_a_slow_reader,
              .waits = true},
};

}  // namespace

std::span<const Operation> publishing_operations() {
  return kOperations;
}

}  // namespace millrace::crash
