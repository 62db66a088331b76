// A durable channel: messages survive the machine, and a named subscriber goes on where it stopped.
// The recorder usually is a process of its own: `millrace record orders --journal DIR`.
#include "millrace/persist/recorder.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

namespace {

int complain(const millrace::Error& error) {
  std::cerr << error.sentence() << '\n';
  return 2;
}

// Reads `most` messages as the clerk, who comes back as often as it likes.
int read_some(const millrace::Channel& channel, int most) {
  millrace::SubscriberOptions options;
  options.name = "clerk";
  options.remember = true;
  options.from = millrace::From::oldest();  // the very first time
  auto clerk = channel.subscriber(options);
  if (!clerk) return complain(clerk.error());
  for (int i = 0; i < most; ++i) {
    auto message = clerk->poll();
    if (!message) return complain(message.error());
    std::cout << "clerk: " << message->text() << '\n';
  }
  auto released = clerk->release();
  return released ? 0 : complain(released.error());
}

int trade(millrace::Domain& domain, const std::string& directory) {
  auto channel = domain.channel("orders", {.durable = true, .journal = directory});
  if (!channel) return complain(channel.error());
  auto desk = channel->publisher({.name = "desk"});
  if (!desk) return complain(desk.error());
  for (const std::string text : {"buy 10", "sell 5", "buy 1"}) {
    // Returns once the message would survive the loss of power.
    auto sent = desk->send_durable(std::as_bytes(std::span(text)));
    if (!sent) return complain(sent.error());
  }
  if (const int wrong = read_some(*channel, 2); wrong != 0) return wrong;
  std::cout << "the clerk leaves and comes back\n";
  return read_some(*channel, 1);
}

}  // namespace

int main() {
  const char* const chosen = std::getenv("MILLRACE_JOURNAL_DIR");
  const std::string directory =
      std::filesystem::absolute(chosen != nullptr ? chosen : "millrace-orders");

  auto domain = millrace::Domain::open();
  if (!domain) return complain(domain.error());
  auto made = domain->channel("orders", {.durable = true, .journal = directory});
  if (!made) return complain(made.error());

  // A recorder belongs to the thread that opened it.
  std::atomic<int> state{0};  // 1: recording, 2: refused
  std::atomic<bool> stop{false};
  std::jthread recording([&] {
    // Volatile only so that this runs where /tmp is memory: such a journal survives no power cut.
    auto recorder = millrace::Recorder::open(
        *domain, {.directory = directory, .allow_volatile = true}, {"orders"});
    if (!recorder) complain(recorder.error());
    state = recorder ? 1 : 2;
    state.notify_all();
    if (!recorder) return;
    if (auto ran = recorder->run(stop); !ran) complain(ran.error());
    if (auto closed = recorder->close(); !closed) complain(closed.error());
  });
  state.wait(0);
  const int result = state == 1 ? trade(*domain, directory) : 2;
  stop = true;
  return result;
}
