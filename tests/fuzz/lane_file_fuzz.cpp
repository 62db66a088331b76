// Any bytes as the file of a lane: a subscriber reads it, a publisher of its name continues it, an
// observer looks at it. All through the interface that programs use.
#include "fuzz_domain.hpp"
#include "valid_lane.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace {

using namespace millrace;
using namespace std::chrono_literals;

constexpr const char* kChannels[] = {"block", "evict", "lossy"};
constexpr std::uint8_t kOldest = 4;
constexpr std::uint8_t kFilter = 8;
constexpr std::uint8_t kTakeOver = 16;
constexpr std::uint8_t kInPlace = 32;

void use(std::span<const std::byte> bytes) {
  if (bytes.size() > message_bytes_max(fuzz::kLaneRingBytes)) {
    fuzz::broken_promise("a message of impossible length");
  }
  fuzz::touch(bytes);
}

// Errors are fine, as long as each is one that is documented, and the lane comes to an end.
bool goes_on(const Error& error) {
  switch (error.code()) {
    case Errc::overrun:
    case Errc::evicted: return true;
    case Errc::timeout:
    case Errc::closed:
    case Errc::poisoned:
    case Errc::format: return false;
    default: fuzz::broken_promise(std::string(error.sentence()).c_str());
  }
}

bool poll_once(Subscriber& subscriber, int turn) {
  if (turn % 5 == 0) {
    const auto done = subscriber.poll_each([](const Message& m) { use(m.bytes()); }, 40);
    return done ? *done != 0 : goes_on(done.error());
  }
  if (turn % 5 == 1) {
    const auto message = subscriber.poll_for(0ns);
    if (message) use(message->bytes());
    return message || goes_on(message.error());
  }
  const auto message = subscriber.try_poll();
  if (message && *message) use((*message)->bytes());
  return message ? message->has_value() : goes_on(message.error());
}

bool look_once(Subscriber& subscriber) {
  auto seen = subscriber.poll_in_place();
  if (!seen) return goes_on(seen.error());
  if (!*seen) return false;
  const auto sum = std::move(**seen).consume([](auto bytes) {
    use(bytes);
    return bytes.size();
  });
  return sum || goes_on(sum.error());
}

void subscribe(const Channel& channel, std::uint8_t choice) {
  SubscriberOptions options;
  options.until_closed = true;
  if ((choice & kOldest) != 0) options.from = From::oldest();
  if ((choice & kFilter) != 0) options.filter = {.mask = 0xffff, .value = 0xbeef};
  auto subscriber = channel.subscriber(options);
  if (!subscriber) {
    (void)goes_on(subscriber.error());
    return;
  }
  constexpr int kTurns = 64;
  for (int turn = 0; turn < kTurns; ++turn) {
    const bool more =
        (choice & kInPlace) != 0 ? look_once(*subscriber) : poll_once(*subscriber, turn);
    if (!more) break;
  }
  (void)subscriber->release();
  (void)subscriber->publishers();
  (void)subscriber->stats();
}

void take_over(const Channel& channel) {
  auto publisher = channel.publisher({.name = "fuzz"});
  if (!publisher) return;
  for (int i = 0; i < 40; ++i) {
    if (!publisher->try_send(fuzz::message("after the fall"), 0xbeef)) break;
  }
  (void)publisher->stats();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static fuzz::FuzzDomain domain;
  static const fuzz::Bytes valid = fuzz::valid_lanes().front();
  auto [choice, file] = fuzz::split(data, bytes);
  if ((choice & 3) == 3) choice ^= 1;
  fuzz::repair_header(file, valid);
  const char* const name = kChannels[choice & 3];
  domain.remove_lanes(name);
  domain.put(name, "lane-0", file);
  domain.put(name, "lane-0.own", {});
  const auto channel = domain.domain().find(name);
  if (!channel) fuzz::broken_promise("the channel itself is sound");
  (void)channel->stats();
  if ((choice & kTakeOver) != 0) take_over(*channel);
  subscribe(*channel, choice);
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  std::vector<Bytes> inputs;
  for (const Bytes& lane : valid_lanes()) {
    for (const int choice : {4, 4 + 16, 5 + 16, 6, 6 + 32, 4 + 8, 0, 21})
      inputs.push_back(join(static_cast<std::uint8_t>(choice), lane));
  }
  return inputs;
}
