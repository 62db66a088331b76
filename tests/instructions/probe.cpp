// What the gate counts: publishes and polls, without a single stamped message among them.
//
//   probe MODE WAY BLOCKS   MODE off or sampled; WAY claim, send, batch, poll, each or lone
//
// It is built three times (MILLRACE_STAMP_TEST, stamp_due.hpp): as it is, without stamps, and with
// a hash of every message. Only this file differs: the message path is inline, and the copies of it
// that the compiler did not inline are taken from here, because this file is linked first.
//
// callgrind counts what happens within probe_publish and probe_poll.
#include "millrace/transport/domain.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace millrace;

constexpr int kBlock = 16;  // messages a block
constexpr std::array<std::byte, 24> kMessage{};

void fail_with(const char* what) {
  std::fprintf(stderr, "probe: %s\n", what);
  std::_Exit(2);
}

}  // namespace

extern "C" {

[[gnu::noinline]] void probe_publish(Publisher& publisher, int way) {
  if (way == 'b') {
    auto batch = publisher.batch();
    for (int i = 0; i < kBlock; ++i)
      if (!batch->add(kMessage)) fail_with("no room in a batch");
    std::move(*batch).publish();
    return;
  }
  for (int i = 0; i < (way == 'l' ? 1 : kBlock); ++i) {
    if (way == 's') {
      if (!publisher.try_send(kMessage)) fail_with("no room");
      continue;
    }
    auto claim = publisher.try_claim(kMessage.size());
    if (!claim) fail_with("no room");
    std::move(*claim).publish();
  }
}

[[gnu::noinline]] int probe_poll(Subscriber& subscriber, int way) {
  int seen = 0;
  if (way == 'e') {
    auto done = subscriber.poll_each([&seen](const Message&) { ++seen; });
    return done ? seen : -1;
  }
  for (;; ++seen) {
    auto message = subscriber.try_poll();
    if (!message) return -1;
    if (!*message) return seen;
  }
}
}

int main(int count, char** words) {
  if (count != 4) fail_with("usage: probe MODE WAY BLOCKS");
  const int way = words[2][0];
  DomainOptions where;
  where.path = std::getenv("MILLRACE_PROBE_DIR");
  auto domain = Domain::open(where);
  if (!domain) fail_with(domain.error().sentence().data());
  ChannelOptions options;
  options.stamps = std::string(words[1]) == "sampled" ? Stamps::sampled : Stamps::off;
  options.stamp_every = 1U << Sampling::kShiftMax;  // the first one comes long after the last block
  auto channel = domain->channel(std::string("probe-") + words[1], options);
  if (!channel) fail_with(channel.error().sentence().data());
  auto subscriber = channel->subscriber();
  auto publisher = channel->publisher();
  if (!subscriber || !publisher) fail_with("cannot take part");
  for (long block = std::atol(words[3]); block > 0; --block) {
    probe_publish(*publisher, way);
    if (probe_poll(*subscriber, way) != (way == 'l' ? 1 : kBlock))
      fail_with("messages are missing");
  }
  const bool sampled = options.stamps == Stamps::sampled;
  if (sampled && Sampling(Sampling::kShiftMax).at_or_after(0) < publisher->next_sequence()) {
    fail_with("too many blocks: a stamped message was among them");
  }
  return 0;
}
