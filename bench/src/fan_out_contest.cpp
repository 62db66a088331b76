// One publisher and R readers in one other process: what a publish costs, and how many messages a
// second are delivered.
//
// The publisher is timed in bursts that always find room, while the readers read; then it waits,
// not timed, until all readers have everything. A sub-slice is a lap of the ring, so that its share
// of looking at R readers' places is in it. R readers share one thread of one processor.
#include "channel_ends.hpp"
#include "contest.hpp"
#include "timed_loops.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace millrace::bench {

namespace {

constexpr std::uint64_t kBurst = 256;
constexpr std::uint64_t kLap = kRingSlots;

ChannelPlan plan_of(Subject subject) {
  return {.name = "fan-out-" + std::to_string(index(subject))};
}

class FanOutSender final : public Contest {
 public:
  FanOutSender(const Arena& arena, Subject subject)
      : orders_(*arena.grounds.orders),
        sender_(make_publisher(arena.domain, plan_of(subject)), orders_.plant_line) {}

  Timing lead(std::uint64_t messages) noexcept override {
    const auto whole = SliceClock::now();
    Messages<kStreamBytes> out(count_);
    Stamps stamps;
    std::uint64_t sent = 0;
    while (sent < messages) {
      const std::uint64_t lap = std::min(kLap, messages - sent);
      double ns = 0;
      for (std::uint64_t done = 0; done < lap; done += std::min(kBurst, lap - done))
        ns += burst(out, std::min(kBurst, lap - done), sent);
      stamps.add(ns, lap);
    }
    Timing timing = stamps.timing(0);
    timing.mean_ns = ns_since(whole) / static_cast<double>(messages);
    return timing;
  }

  void follow(std::uint64_t) noexcept override {}

 private:
  // Sends `count` messages and returns how long that took; all readers have them then.
  double burst(Messages<kStreamBytes>& out, std::uint64_t count, std::uint64_t& sent) noexcept {
    const auto began = SliceClock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
      sender_.send(out[++count_]);
      out.write_ahead(count_);
    }
    const double ns = ns_since(began);
    sent += count;
    // [sync:bench-arrived] Acquire: the readers have given the room back.
    while (orders_.arrived.load(std::memory_order_acquire) < sent) {
    }
    return ns;
  }

  Orders& orders_;
  ChannelSender<OneSize<kStreamBytes>, Plant::none> sender_;
  std::uint64_t count_ = 0;
};

class FanOutReaders final : public Contest {
 public:
  FanOutReaders(const Arena& arena, Subject subject) : orders_(*arena.grounds.orders) {
    for (std::size_t reader = readers_of(subject); reader != 0; --reader) {
      readers_.emplace_back(make_subscriber(arena.domain, plan_of(subject)), orders_.plant_line);
    }
    counts_.resize(readers_.size());
  }

  Timing lead(std::uint64_t) noexcept override { return {}; }

  void follow(std::uint64_t messages) noexcept override {
    const std::uint64_t before = counts_.front();
    for (std::uint64_t least = 0; least < messages;) {
      least = messages;
      for (std::size_t at = 0; at < readers_.size(); ++at)
        least = std::min(least, read_on(at, before + messages) - before);
      // [sync:bench-arrived] Release. Without it the sender could take room for free that is not.
      orders_.arrived.store(least, std::memory_order_release);
    }
  }

 private:
  // What this reader has got so far.
  std::uint64_t read_on(std::size_t at, std::uint64_t until) noexcept {
    std::uint64_t& count = counts_[at];
    const auto sink = [&count](const std::byte* message, std::size_t length) {
      alignas(64) std::byte copy[kStreamBytes];
      std::memcpy(copy, message, length);
      keep(copy);
      if (count_of(copy) != ++count) [[unlikely]]
        give_up(Error(Errc::format, 0, "a reader of the fan-out got a wrong message"));
    };
    // To the end of the lane, so that all of it is given back.
    if (count != until) (void)readers_[at].drain(sink, until - count + 1);
    return count;
  }

  Orders& orders_;
  std::vector<ChannelReceiver<OneSize<kStreamBytes>, Plant::none>> readers_;
  std::vector<std::uint64_t> counts_;
};

}  // namespace

ContestPointer make_fan_out(const Arena& arena, Subject subject) {
  if (arena.leads()) return std::make_unique<FanOutSender>(arena, subject);
  return std::make_unique<FanOutReaders>(arena, subject);
}

}  // namespace millrace::bench
