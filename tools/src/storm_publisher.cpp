// A publisher of a storm: messages alone, in batches, shorter than claimed, and claims that are
// given up, in bursts, with pauses in which its readers fall asleep.
#include "millrace/core/clock.hpp"
#include "storm_child.hpp"
#include "storm_message.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <thread>

namespace millrace::tools {
namespace {

constexpr std::chrono::nanoseconds kAtOnce{0};
constexpr std::uint64_t kPatienceNs = 100'000'000;
constexpr std::chrono::nanoseconds kPatience{kPatienceNs};
constexpr std::size_t kBurstMax = 48;
constexpr std::size_t kBatchMax = 16;

class StormPublisher {
 public:
  StormPublisher(StormChild& child, Publisher publisher)
      : child_(child), life_(child.life), publisher_(std::move(publisher)) {
    const std::uint64_t next = publisher_.next_sequence();
    life_.first_sequence.store(next, std::memory_order_relaxed);
    life_.intended.store(next, std::memory_order_relaxed);
    life_.published.store(next, std::memory_order_relaxed);
  }

  void run() {
    bool good = true;
    while (good && !child_.asked_to_leave()) {
      const std::uint64_t kind = child_.random() % 16;
      if (kind == 0) {
        good = give_up();
      } else if (kind < 4) {
        good = batch();
      } else {
        good = burst();
      }
      std::this_thread::sleep_for(std::chrono::microseconds(child_.random() % 600));
    }
  }

 private:
  std::span<std::byte> message(std::uint64_t sequence) {
    const std::size_t bytes = kStormHeadBytes + child_.random() % kStormFillMax;
    const std::span<std::byte> whole(bytes_.data(), bytes);
    make(sequence, whole);
    return whole;
  }

  void make(std::uint64_t sequence, std::span<std::byte> into) const {
    const std::uint64_t producer = life_.named != 0 ? life_.slot : kStormUnnamed + child_.number;
    make_storm_message(child_.settings().seed, {producer, sequence, child_.number}, into);
  }

  // Relaxed throughout: whoever reads them waits for our end first.
  void intend(std::uint64_t messages) noexcept {
    life_.intended.store(publisher_.next_sequence() + messages, std::memory_order_relaxed);
    // [sync:storm-kill] Without it the compiler could publish before the intention is written, and
    // a kill between would look like a message from nowhere.
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  void have_published() noexcept {
    // [sync:storm-kill] Without it `published` could count a message that a kill prevented.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    life_.published.store(publisher_.next_sequence(), std::memory_order_relaxed);
  }

  bool burst() {
    for (std::uint64_t left = 1 + child_.random() % kBurstMax; left != 0; --left) {
      const auto claim = claim_room();
      if (!claim) return !failed_;
    }
    return true;
  }

  // One message, filled where it lies, now and then shorter than it was asked for.
  bool claim_room() {
    const std::size_t bytes = kStormHeadBytes + child_.random() % kStormFillMax;
    auto claim =
        wait_for_room([&](auto patience) { return publisher_.claim_for(patience, bytes); });
    if (!claim) return false;
    const bool shorter = child_.random() % 8 == 0;
    const std::size_t used = shorter ? kStormHeadBytes : bytes;
    make(publisher_.next_sequence(), claim->bytes().first(used));
    intend(1);
    std::move(*claim).publish(used);
    have_published();
    return true;
  }

  bool batch() {
    auto batch = publisher_.batch(kPatience);
    if (!batch) return judge(batch.error());
    const std::uint64_t first = publisher_.next_sequence();
    const std::uint64_t many = 1 + child_.random() % kBatchMax;
    for (std::uint64_t each = 0; each < many; ++each) {
      // A batch that finds no room is given up as a whole.
      if (auto added = batch->add(message(first + each)); !added) return judge(added.error());
    }
    intend(many);
    std::move(*batch).publish();
    have_published();
    return true;
  }

  bool give_up() {
    auto claim = publisher_.claim_for(kPatience, kStormHeadBytes + kStormFillMax);
    if (!claim) return judge(claim.error());
    make(publisher_.next_sequence(), claim->bytes());
    std::move(*claim).abort();
    life_.aborted.fetch_add(1, std::memory_order_relaxed);
    return true;
  }

  // Waits for a full ring, and tells the parent, if it asks, when the waiting was over.
  template <class Try>
  std::optional<Claim> wait_for_room(Try attempt) {
    // Tries, not time: the whole storm may be paused.
    const std::uint64_t most = child_.settings().watchdog_ns / kPatienceNs + 1;
    for (std::uint64_t tries = 0; tries <= most; ++tries) {
      auto claim = attempt(tries != 0 ? kPatience : kAtOnce);
      if (claim) {
        if (tries != 0) answer_watch();
        return std::move(*claim);
      }
      if (!judge(claim.error()) || child_.asked_to_leave()) return std::nullopt;
    }
    failed_ = true;
    child_.page.violate(child_.who() + " waits for ever: its ring stays full");
    return std::nullopt;
  }

  void answer_watch() noexcept {
    if (life_.watch.load(std::memory_order_relaxed) == 0) return;
    life_.unblocked_ns.store(monotonic_ns(), std::memory_order_relaxed);
    life_.watch.store(0, std::memory_order_relaxed);
  }

  bool judge(const Error& error) {
    if (error.code() == Errc::full || error.code() == Errc::timeout) return true;
    failed_ = true;
    child_.page.violate(child_.who() + ": " + std::string(error.sentence()));
    return false;
  }

  StormChild& child_;
  StormLife& life_;
  Publisher publisher_;
  std::array<std::byte, kStormHeadBytes + kStormFillMax> bytes_{};
  bool failed_ = false;
};

}  // namespace

void publish_in_storm(StormChild& child) {
  const auto channel = child.domain.find(kStormChannels[child.life.channel]);
  if (!channel)
    return child.page.violate(child.who() + ": " + std::string(channel.error().sentence()));
  if (!child.await_turn()) return;
  PublisherOptions options;
  options.wait = Wait::park;
  if (child.life.named != 0) options.name = storm_publisher_name(child.life.slot);
  std::optional<Publisher> publisher;
  const bool made = child.insist([&]() -> Result<void> {
    auto opened = channel->publisher(options);
    if (!opened) return Failure(opened.error());
    publisher.emplace(std::move(*opened));
    return {};
  });
  if (!made) return;
  child.introduce();
  StormPublisher(child, std::move(*publisher)).run();
}

}  // namespace millrace::tools
