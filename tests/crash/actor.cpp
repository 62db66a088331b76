#include "actor.hpp"

#include "millrace/core/order_layout.hpp"

#include <unistd.h>

namespace millrace::crash {

using testing_support::numbered_text;

Result<Domain> open_domain(const std::string& path, const char* participant) {
  DomainOptions options;
  options.path = path;
  options.participant = participant;
  return Domain::open(options);
}

void Actor::give_up(std::string_view why) {
  ledger_.breaks("the victim's own call failed: %.*s", static_cast<int>(why.size()), why.data());
  _exit(3);
}

void Actor::open() {
  domain = must(open_domain(directory(), "victim"));
  channel = must(domain->find(kChannel));
}

void Actor::publishes() {
  open();
  source = must(channel->publisher({.name = kVictimLane, .wait = Wait::park}));
  owns_lane();
}

void Actor::owns_lane() {
  ledger_.owned.store(1, std::memory_order_relaxed);
  number_ = order == Order::total ? seen.next(kVictim) : source->next_sequence();
}

void Actor::begins(std::uint64_t count) {
  ledger_.begun.store(number_ + count, std::memory_order_relaxed);
}

void Actor::committed(std::uint64_t count) {
  number_ += count;
  ledger_.committed.store(number_, std::memory_order_relaxed);
}

void Actor::subscribes(const SubscriberOptions& options) {
  open();
  reader = must(channel->subscriber(options));
}

void Actor::send(std::uint64_t count, std::chrono::nanoseconds timeout) {
  for (std::uint64_t i = 0; i < count; ++i) {
    text = numbered_text(number_);
    begins();
    must(source->send_for(timeout, std::as_bytes(std::span(text)), kVictim));
    committed();
  }
}

// In one order a publish takes whole blocks.
std::uint64_t Actor::room_for_text() const {
  const std::uint64_t needed = text.size() + 3 * kHeaderBytes;
  if (order == Order::lane) return needed;
  return (needed + layout::kBlockBytes - 1) / layout::kBlockBytes * layout::kBlockBytes;
}

void Actor::send_up_to(Position end) {
  for (;;) {
    text = numbered_text(number_);
    begins();
    if (source->stats().position + room_for_text() > end) return;
    send();
  }
}

void Actor::send_batch(std::uint64_t count) {
  begins(count);
  Batch batch = must(source->batch());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string message = numbered_text(number_ + i);
    must(batch.add(std::as_bytes(std::span(message)), kVictim));
  }
  std::move(batch).publish();
  committed(count);
}

std::uint64_t Actor::read(std::uint64_t most) {
  const bool may_lose = channel->options().policy != Policy::block;
  for (std::uint64_t count = 0; count < most; ++count) {
    auto message = reader->try_poll();
    if (!message && may_lose && message.error().lost() != 0) {
      seen = SeenMessages(order);  // lapped while it was stopped, and told so
      continue;
    }
    const auto found = must(std::move(message));
    if (!found) return count;
    if (!seen.take(*found)) give_up(seen.why());
  }
  return most;
}

[[gnu::noinline]] void operation_begins() {
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] void operation_ends() {
  asm volatile("" ::: "memory");
}

}  // namespace millrace::crash
