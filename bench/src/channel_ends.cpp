#include "channel_ends.hpp"

#include <cstdio>
#include <unistd.h>

namespace millrace::bench {

void give_up(const Error& error) noexcept {
  const auto sentence = error.sentence();
  (void)std::fprintf(stderr, "millrace: %.*s\n", static_cast<int>(sentence.size()),
                     sentence.data());
  _exit(2);
}

ChannelOptions channel_options(const ChannelPlan& plan) {
  ChannelOptions options;
  options.ring_bytes = plan.ring_bytes;
  options.lanes_max = plan.lanes;
  options.pages = plan.pages;
  return options;
}

Publisher make_publisher(Domain& domain, const ChannelPlan& plan) {
  auto opened = must(domain.channel(plan.name, channel_options(plan)));
  PublisherOptions options;
  options.wait = plan.wait;
  return must(opened.publisher(options));
}

Subscriber make_subscriber(Domain& domain, const ChannelPlan& plan) {
  auto opened = must(domain.channel(plan.name, channel_options(plan)));
  SubscriberOptions options;
  options.wait = plan.wait;
  options.from = From::oldest();
  return must(opened.subscriber(options));
}

}  // namespace millrace::bench
