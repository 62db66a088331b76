// A subscriber of a storm: checks every message, and at the end stays until it has everything.
#include "millrace/core/clock.hpp"
#include "storm_child.hpp"
#include "storm_ledger.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kPatienceNs = 20'000'000;
constexpr std::chrono::nanoseconds kPatience{kPatienceNs};
// Without a message for so long a subscriber was without service.
constexpr std::uint64_t kOutageNs = 10'000'000;
// Which message of subscriber 0 a planted defect strikes.
constexpr std::uint64_t kPlantedAt = 100;

// Who may be overtaken stays as long as something comes.
constexpr std::uint64_t kQuietEnoughNs = 300'000'000;

// Losses can be hushed up only where there are some: in the last channel.
bool struck_by_plant(const StormChild& child) noexcept {
  const StormSettings& settings = child.settings();
  return child.life.slot == (settings.plant == StormPlant::silence ? settings.channels - 1 : 0);
}

class StormSubscriber {
 public:
  StormSubscriber(StormChild& child, Subscriber subscriber, bool lossless)
      : child_(child),
        life_(child.life),
        subscriber_(std::move(subscriber)),
        ledger_(child.page, lossless, child.who(), monotonic_ns()),
        lossless_(lossless),
        plant_(struck_by_plant(child) ? child.settings().plant : StormPlant::none) {}

  void run() {
    // Waits in vain, not time: the whole storm may be paused.
    std::uint64_t in_vain = 0;
    while (life_.leave.load(std::memory_order_relaxed) == 0) {
      const auto got = subscriber_.poll_each([this](const Message& message) { take(message); });
      if (!got) {
        if (!judge(got.error())) return;
      } else if (*got != 0) {
        note_arrival();
        in_vain = 0;
        continue;
      } else if (const auto there = subscriber_.wait(kPatience); !there) {
        if (there.error().code() != Errc::timeout && !judge(there.error())) return;
        ++in_vain;
      }
      if (child_.page.phase_now() != StormPhase::drain) continue;
      const std::uint64_t enough = lossless_ ? child_.settings().watchdog_ns : kQuietEnoughNs;
      const bool patient = in_vain * kPatienceNs < enough;
      if (ledger_.complete(life_.channel) || !patient) return finish();
    }
  }

 private:
  void take(const Message& message) {
    ++received_;
    const bool struck = received_ == kPlantedAt;
    if (struck && plant_ == StormPlant::drop) return;
    std::span<const std::byte> bytes = message.bytes();
    if (struck && plant_ == StormPlant::tear) {
      torn_.assign(bytes.begin(), bytes.end());
      torn_.back() ^= std::byte{1};
      bytes = torn_;
    }
    const auto head = open_storm_message(child_.settings().seed, bytes);
    if (!head) return ledger_.take_torn(message.lane(), message.sequence());
    ledger_.take(*head, message.sequence());
    if (struck && plant_ == StormPlant::duplicate) ledger_.take(*head, message.sequence());
    see(head->life);
  }

  // The first message of a life ends its predecessor's outage.
  void see(std::uint32_t number) noexcept {
    std::atomic<std::uint64_t>& first_seen = child_.page.lives[number].first_seen_ns;
    if (first_seen.load(std::memory_order_relaxed) != 0) return;
    first_seen.store(monotonic_ns(), std::memory_order_relaxed);
  }

  void note_arrival() noexcept {
    const std::uint64_t now = monotonic_ns();
    const std::uint64_t last = life_.last_message_ns.load(std::memory_order_relaxed);
    if (last == 0) {
      life_.first_message_ns.store(now, std::memory_order_relaxed);
    } else if (now - last > kOutageNs) {
      const std::uint64_t us = (now - last) / 1000;
      life_.outages.fetch_add(1, std::memory_order_relaxed);
      life_.outage_ns.fetch_add(now - last, std::memory_order_relaxed);
      life_.outage_squares_us2.fetch_add(us * us, std::memory_order_relaxed);
    }
    life_.last_message_ns.store(now, std::memory_order_relaxed);
    life_.received.store(received_, std::memory_order_relaxed);
  }

  bool judge(const Error& error) {
    if (error.code() != Errc::overrun && error.code() != Errc::evicted) {
      child_.page.violate(child_.who() + ": " + std::string(error.sentence()));
      return false;
    }
    if (plant_ != StormPlant::silence) ledger_.lose(error.lost());
    life_.lost.store(ledger_.lost(), std::memory_order_relaxed);
    if (error.code() == Errc::evicted) life_.evictions.fetch_add(1, std::memory_order_relaxed);
    return true;
  }

  void finish() {
    life_.received.store(received_, std::memory_order_relaxed);
    ledger_.close(life_.channel);
  }

  StormChild& child_;
  StormLife& life_;
  Subscriber subscriber_;
  StormLedger ledger_;
  const bool lossless_;
  const StormPlant plant_;
  std::uint64_t received_ = 0;
  std::vector<std::byte> torn_;
};

}  // namespace

void subscribe_in_storm(StormChild& child) {
  const auto channel = child.domain.find(kStormChannels[child.life.channel]);
  if (!channel) {
    return child.page.violate(child.who() + ": " + std::string(channel.error().sentence()));
  }
  if (!child.await_turn()) return;
  SubscriberOptions options;
  options.wait = Wait::park;
  options.from = From::oldest();
  std::optional<Subscriber> subscriber;
  const bool made = child.insist([&]() -> Result<void> {
    auto opened = channel->subscriber(options);
    if (!opened) return Failure(opened.error());
    subscriber.emplace(std::move(*opened));
    return {};
  });
  if (!made) return;
  child.introduce();
  const bool lossless = channel->options().policy == Policy::block;
  StormSubscriber(child, std::move(*subscriber), lossless).run();
}

}  // namespace millrace::tools
