// A publisher and a subscriber in one process; put them into two, and nothing changes.
#include "millrace/transport/domain.hpp"

#include <iostream>

int main() {
  auto domain = millrace::Domain::open();
  if (!domain) return std::cerr << domain.error().sentence() << '\n', 2;

  auto channel = domain->channel("hello");
  if (!channel) return std::cerr << channel.error().sentence() << '\n', 2;

  auto subscriber = channel->subscriber();
  auto publisher = channel->publisher();
  if (!subscriber || !publisher) return 2;

  if (!publisher->send("hello, mill")) return 1;
  if (auto message = subscriber->poll()) std::cout << message->text() << '\n';
}
