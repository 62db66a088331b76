// A living channel across compilers: one build's publishers leave messages in their rings, the
// other's subscriber and successor find every one of them.
//
//   channel_golden write DIR   makes the domain DIR/domain with a channel of three lanes
//   channel_golden read DIR    0: all messages are there, as they were sent, and the named lane is
//                              continued
#include "millrace/transport/domain.hpp"

#include <cstdio>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace millrace;
using namespace std::chrono_literals;

constexpr int kLone = 300;  // more than the low byte of a sequence can count
constexpr int kBatched = 20;
constexpr int kBroken = 1;

int complain(const char* what, const Error& error) {
  std::fprintf(stderr, "channel_golden: %s: %.*s\n", what,
               static_cast<int>(error.sentence().size()), error.sentence().data());
  return kBroken;
}

// Number n of a publisher; every length from 0 on occurs.
std::string text_of(const char* who, int number) {
  std::string text = std::string(who) + " " + std::to_string(number);
  text.resize(static_cast<std::size_t>(number % 80), '.');
  return text;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::uint16_t key_of(int number) {
  return static_cast<std::uint16_t>(number * 211);
}

Result<Channel> open_channel(const std::string& directory, bool create) {
  auto domain = Domain::open({.path = directory + "/domain", .create = create});
  if (!domain) return Failure(domain.error());
  ChannelOptions options;
  options.ring_bytes = 64 << 10;
  options.lanes_max = 4;
  return create ? domain->create("prices", options) : domain->find("prices");
}

int publish(const Channel& channel, const char* name, bool batches) {
  auto publisher = channel.publisher({.name = name});
  if (!publisher) return complain(name, publisher.error());
  int number = 0;
  for (; number < kLone; ++number) {
    auto sent = publisher->try_send(bytes_of(text_of(name, number)), key_of(number));
    if (!sent) return complain(name, sent.error());
  }
  auto batch = publisher->batch(0ns);
  if (!batch) return complain(name, batch.error());
  for (; batches && number < kLone + kBatched; ++number) {
    auto added = batch->add(bytes_of(text_of(name, number)), key_of(number));
    if (!added) return complain(name, added.error());
  }
  std::move(*batch).publish();
  if (name[0] != '\0') _exit(0);  // dies in the middle of its life, without a good-bye
  return 0;
}

int write(const std::string& directory) {
  auto channel = open_channel(directory, true);
  if (!channel) return complain("create", channel.error());
  for (const char* const name : {"alpha", "beta", ""}) {
    const pid_t child = fork();
    if (child == 0) {
      auto own = open_channel(directory, false);
      _exit(own ? publish(*own, name, name[0] != 'b') : complain("find", own.error()));
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) return kBroken;
  }
  return 0;
}

// Lanes are given out in the order of write().
constexpr const char* kProducers[] = {"alpha", "beta", ""};
constexpr int kSent[] = {kLone + kBatched, kLone, kLone + kBatched};

int check(const Message& message, int number) {
  const char* const who = kProducers[message.lane()];
  if (message.text() == text_of(who, number) && message.key() == key_of(number) &&
      message.sequence() == static_cast<Sequence>(number)) {
    return 0;
  }
  std::fprintf(stderr, "channel_golden: lane %u: message %d is not what was sent\n", message.lane(),
               number);
  return kBroken;
}

// Everything that is there, each lane in order, until all publishers are known to be gone.
int take_all(const Channel& channel) {
  auto subscriber = channel.subscriber({.from = From::oldest(), .until_closed = true});
  if (!subscriber) return complain("subscriber", subscriber.error());
  int next[] = {0, 0, 0};
  for (;;) {
    auto message = subscriber->poll_for(5s);
    if (!message && message.error().code() == Errc::closed) break;
    if (!message) return complain("poll", message.error());
    if (message->lane() > 2 || check(*message, next[message->lane()]++) != 0) return kBroken;
  }
  for (int lane = 0; lane < 3; ++lane) {
    if (next[lane] == kSent[lane]) continue;
    std::fprintf(stderr, "channel_golden: lane %d: %d messages of %d\n", lane, next[lane],
                 kSent[lane]);
    return kBroken;
  }
  return 0;
}

// Goes on where a dead publisher of the other build stopped.
int continue_lane(const Channel& channel) {
  auto subscriber = channel.subscriber();
  auto publisher = channel.publisher({.name = "alpha"});
  if (!publisher) return complain("successor", publisher.error());
  if (publisher->next_sequence() != kLone + kBatched) return kBroken;
  const int number = kLone + kBatched;
  auto sent = publisher->try_send(bytes_of(text_of("alpha", number)), key_of(number));
  if (!sent) return complain("successor", sent.error());
  if (!subscriber) return complain("subscriber", subscriber.error());
  auto message = subscriber->poll_for(5s);
  return message ? check(*message, number) : complain("poll", message.error());
}

int read(const std::string& directory) {
  auto channel = open_channel(directory, false);
  if (!channel) return complain("find", channel.error());
  if (take_all(*channel) != 0) return kBroken;
  return continue_lane(*channel);
}

}  // namespace

int main(int count, char** words) {
  if (count == 3 && std::strcmp(words[1], "write") == 0) return write(words[2]);
  if (count == 3 && std::strcmp(words[1], "read") == 0) return read(words[2]);
  std::fprintf(stderr, "usage: channel_golden write|read DIR\n");
  return 2;
}
