// Coming and going: participants and subscribers.
#include "operation.hpp"

#include <array>
#include <fcntl.h>

namespace millrace::crash {

namespace {

void at_the_door(Actor& me) {
  me.place = Descriptor(open(me.directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

void enter(Actor& me) {
  me.member = me.must(Participant::enter(me.place.get(), "victim"));
}

void inside(Actor& me) {
  at_the_door(me);
  enter(me);
}

void leave(Actor& me) {
  me.member.reset();
}

// So that the operation is the subscriber's alone, and not its participant's.
void with_a_companion(Actor& me) {
  me.open();
  me.companion = me.must(me.channel->subscriber({.lossy = true}));
}

void subscribe(Actor& me) {
  me.reader = me.must(me.channel->subscriber({.from = From::oldest(), .wait = Wait::park}));
}

void subscribe_now(Actor& me) {
  me.reader = me.must(me.channel->subscriber({.from = From::now(), .wait = Wait::park}));
}

void with_two(Actor& me) {
  with_a_companion(me);
  subscribe(me);
  me.read();
}

void unsubscribe(Actor& me) {
  me.reader.reset();
}

void read_on(Actor& me) {
  me.read();
}

constexpr std::array kOperations{
    Operation{.name = "enter a domain", .act = enter, .prepare = at_the_door},
    Operation{.name = "leave a domain", .act = leave, .prepare = inside},
    Operation{.name = "subscribe from the oldest",
              .act = subscribe,
              .prepare = with_a_companion,
              .go_on = read_on},
    Operation{.name = "subscribe from now",
              .act = subscribe_now,
              .prepare = with_a_companion,
              .go_on = read_on},
    Operation{.name = "unsubscribe", .act = unsubscribe, .prepare = with_two},
};

}  // namespace

std::span<const Operation> membership_operations() {
  return kOperations;
}

}  // namespace millrace::crash
