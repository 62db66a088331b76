// A subscriber's own path: poll, release, sleep.
#include "operation.hpp"

#include <array>

namespace millrace::crash {

namespace {

void from_oldest(Actor& me) {
  me.subscribes({.from = From::oldest(), .wait = Wait::park});
}

// A ring that somebody fills behind this reader.
void from_now(Actor& me) {
  me.subscribes({.from = From::now(), .wait = Wait::park});
}

void poll_and_release(Actor& me) {
  me.read();
  me.must(me.reader->release());
}

void poll_some_and_release(Actor& me) {
  me.read(12);
  me.must(me.reader->release());
}

void with_all_read(Actor& me) {
  from_oldest(me);
  me.read();
}

void sleep(Actor& me) {
  const auto message = me.reader->poll_for(std::chrono::microseconds(100));
  if (message && !me.seen.take(*message)) me.give_up(me.seen.why());
  if (!message && message.error().code() != Errc::timeout) {
    me.give_up(message.error().sentence());
  }
}

void read_on(Actor& me) {
  me.read();
}

constexpr std::array kOperations{
    Operation{.name = "poll and release",
              .act = poll_and_release,
              .prepare = from_oldest,
              .go_on = read_on},
    Operation{.name = "poll private copies",
              .act = poll_and_release,
              .prepare = from_oldest,
              .policy = Policy::lossy},
    Operation{.name = "sleep, with nothing to read",
              .act = sleep,
              .prepare = with_all_read,
              .go_on = read_on,
              .waits = true},
    Operation{.name = "release to a sleeping publisher",
              .act = poll_some_and_release,
              .prepare = from_now,
              .go_on = read_on,
              .meanwhile = Meanwhile::push,
              .waits = true},
};

}  // namespace

std::span<const Operation> reading_operations() {
  return kOperations;
}

}  // namespace millrace::crash
