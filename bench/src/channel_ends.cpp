#include "channel_ends.hpp"

#include <cstdio>
#include <unistd.h>

namespace millrace::bench {

void give_up(const Error& error) noexcept {
  const auto sentence = error.sentence();
  (void)std::fprintf(stderr, "millrace-bench: %.*s\n", static_cast<int>(sentence.size()),
                     sentence.data());
  _exit(2);
}

ChannelOptions channel_options() noexcept {
  ChannelOptions options;
  options.ring_bytes = kRingBytes;
  options.lanes_max = 1;
  return options;
}

Publisher make_publisher(Domain& domain, std::string_view channel) {
  auto opened = must(domain.channel(channel, channel_options()));
  PublisherOptions options;
  options.wait = Wait::spin;
  return must(opened.publisher(options));
}

Subscriber make_subscriber(Domain& domain, std::string_view channel) {
  auto opened = must(domain.channel(channel, channel_options()));
  SubscriberOptions options;
  options.wait = Wait::spin;
  options.from = From::oldest();
  return must(opened.subscriber(options));
}

}  // namespace millrace::bench
