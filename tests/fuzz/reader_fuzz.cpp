// Any bytes as the file of a subscriber: publishers decide by it how far they may write, and
// observers list it. It can make its publisher wait under block, and nothing else.
#include "fuzz_domain.hpp"
#include "millrace/core/reader_layout.hpp"

#include <string>

namespace {

using namespace millrace;
using namespace std::chrono_literals;

// A reader of a participant that lives, so that nobody drops it as dead.
std::string own_reader(const fuzz::FuzzDomain& domain) {
  for (const auto& entry : std::filesystem::directory_iterator(domain.path() + "/participants"))
    return entry.path().filename().string() + ".99";
  fuzz::broken_promise("this process has not entered");
}

void publish(const Channel& channel) {
  auto publisher = channel.publisher();
  if (!publisher) return;
  const std::string text(200, 'r');
  for (int i = 0; i < 60; ++i) {
    const auto sent = publisher->try_send(fuzz::message(text));
    if (sent) continue;
    if (sent.error().code() != Errc::full) {
      fuzz::broken_promise(std::string(sent.error().sentence()).c_str());
    }
    break;
  }
  (void)publisher->send_for(1us, fuzz::message(text));
  (void)publisher->stats();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static fuzz::FuzzDomain domain;
  static const fuzz::Bytes valid = fuzz::seeds().front();
  const auto [choice, rest] = fuzz::split(data, bytes);
  const char* const name = choice % 2 == 0 ? "block" : "evict";
  auto channel = domain.domain().find(name);
  if (!channel) fuzz::broken_promise("the channel itself is sound");
  static const std::string reader = [&] {
    (void)channel->publisher();  // enters the domain
    return "readers/" + own_reader(domain);
  }();
  fuzz::Bytes file = rest;
  fuzz::repair_header(file, std::span(valid).subspan(1));
  domain.remove_lanes(name);
  domain.put(name, reader, file);
  publish(*channel);
  (void)channel->stats();
  domain.remove(name, reader);
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  FuzzDomain domain;
  std::vector<Bytes> inputs;
  for (const char* const name : {"block", "evict"}) {
    auto channel = domain.domain().find(name);
    auto publisher = channel->publisher();
    auto subscriber = channel->subscriber();
    if (!publisher || !subscriber) broken_promise("no seeds");
    for (int i = 0; i < 10; ++i)
      (void)publisher->try_send(message("seed"));
    (void)subscriber->try_poll();
    (void)subscriber->release();
    for (const auto& entry :
         std::filesystem::directory_iterator(domain.path() + "/" + name + "/readers")) {
      const Bytes file = domain.get(name, "readers/" + entry.path().filename().string());
      inputs.push_back(join(0, file));
      inputs.push_back(join(1, file));
    }
  }
  return inputs;
}
