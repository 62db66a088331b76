// Any bytes as the doorbell: it holds hints that every member may write, so a liar may delay, and
// must not be able to do anything else. What is sent arrives.
#include "fuzz_domain.hpp"

#include <string>

namespace {

using namespace millrace;
using namespace std::chrono_literals;

void exchange(const Channel& channel) {
  auto subscriber = channel.subscriber();
  auto publisher = channel.publisher();
  if (!subscriber || !publisher) fuzz::broken_promise("a liar keeps others out");
  for (int i = 0; i < 20; ++i) {
    if (!publisher->try_send(fuzz::message("through thick and thin"))) {
      fuzz::broken_promise("a liar stops a publisher");
    }
    // Discovering a lane may take the bounded look that needs no hint.
    const auto message = subscriber->poll_for(10s);
    if (!message || message->text() != "through thick and thin" ||
        message->sequence() != static_cast<Sequence>(i)) {
      fuzz::broken_promise("a liar loses messages");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static fuzz::FuzzDomain domain;
  static const fuzz::Bytes valid = domain.get("block", "doorbell");
  auto [choice, file] = fuzz::split(data, bytes);
  if (choice % 4 != 0) fuzz::repair_header(file, valid);
  domain.remove_lanes("block");
  domain.put("block", "doorbell", file);
  const auto channel = domain.domain().find("block");
  if (!channel) return 0;
  exchange(*channel);
  (void)channel->stats();
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  const FuzzDomain domain;
  const Bytes file = domain.get("block", "doorbell");
  return {join(1, file), join(4, file)};
}
