// A subscriber of the main job: checks every message, and leaves when it has everything.
#include "millrace/core/histogram.hpp"
#include "run_checksum.hpp"
#include "run_child.hpp"

#include <chrono>
#include <cstring>
#include <vector>

namespace millrace::tools {
namespace {

// How long it sleeps before it asks whether more will come.
constexpr std::chrono::milliseconds kPatience{20};
// So often in a row it must find nothing, after the last publisher has ended, to give up what is
// still missing.
constexpr unsigned kQuietEnough = 10;
// The same where messages come by way of a disk.
constexpr unsigned kDiskQuietEnough = 250;

class RunSubscriber {
 public:
  RunSubscriber(const RunChild& child, Subscriber subscriber)
      : child_(child),
        words_(child.page.subscriber(child.number)),
        subscriber_(std::move(subscriber)),
        lanes_(child.settings().publishers),
        latency_(words_.latency),
        planted_(child.settings().plant != 0 && child.number == 0 ? 1 : 0),
        stamps_beside_(child.settings().stamp_places != 0),
        stamp_mask_((std::uint64_t{1} << child.settings().stamp_shift) - 1),
        one_order_(child.settings().order == static_cast<std::uint32_t>(Order::total)) {}

  Result<void> run() {
    unsigned quiet = 0;
    for (;;) {
      const auto got = subscriber_.poll_each([this](const Message& message) { take(message); });
      if (!got) {
        if (auto again = lapped(got.error()); !again) return again;
      } else if (*got != 0) {
        quiet = 0;
        show();
      } else if (child_.page.stop() == RunStop::everything || complete(quiet)) {
        break;
      } else if (const auto there = subscriber_.wait(kPatience); !there) {
        if (there.error().code() == Errc::timeout) {
          ++quiet;
        } else if (auto again = lapped(there.error()); !again) {
          return again;
        }
      }
    }
    finish();
    return {};
  }

 private:
  struct Lane {
    LaneTally tally{};
    Sequence next = 0;
    LaneChecksum checksum;
  };

  void take(const Message& message) noexcept {
    const std::byte* at = message.bytes().data();
    std::size_t length = message.bytes().size();
    std::uint64_t stamp = 0;
    std::uint64_t seal = 0;
    const std::size_t number = message.lane();
    const std::uint16_t key = message.key();
    if (number >= lanes_.size()) [[unlikely]]
      return stray();
    Lane& lane = lanes_[number];
    Sequence sequence = one_order_ ? lane.next : message.sequence();
    if (one_order_) follow_order(lane, message.sequence());
    const std::size_t before = bytes_before(key);
    if (length < before) [[unlikely]] {
      ++lane.tally.wrong;
      return;
    }
    if (one_order_ && (key & kSealedKey) != 0) {
      std::memcpy(&sequence, at + before - kSealBytes - kNumberBytes, sizeof sequence);
    }
    if (sequence != lane.next) [[unlikely]]
      skip(lane, sequence);
    lane.next = sequence + 1;
    ++lane.tally.received;
    if (key != 0) {
      if ((key & kStampedKey) != 0) {
        std::memcpy(&stamp, at, sizeof stamp);
        time(stamp);
      }
      if ((key & kSealedKey) != 0) std::memcpy(&seal, at + before - kSealBytes, sizeof seal);
      at += before;
      length -= before;
    }
    if (stamps_beside_ && (sequence & stamp_mask_) == 0) [[unlikely]]
      time_beside(message.lane(), sequence);
    std::uint64_t hash = hash_of(at, length);
    if (lane.tally.received == planted_) [[unlikely]]
      hash ^= 1;
    if ((key & kSealedKey) != 0 && seal != seal_of(hash, sequence, message.lane(), stamp)) {
      ++lane.tally.wrong;
    }
    lane.checksum.add(hash, sequence);
    lane.tally.bytes += length;
  }

  [[nodiscard]] std::size_t bytes_before(std::uint16_t key) const noexcept {
    if (key == 0) return 0;
    const std::size_t seal = kSealBytes + (one_order_ ? kNumberBytes : 0);
    return (key & kStampedKey ? kStampBytes : 0) + (key & kSealedKey ? seal : 0);
  }

  // Sequences count the messages of all lanes. A gap is somebody's loss; whose, the numbers in the
  // messages say.
  void follow_order(Lane& lane, Sequence sequence) noexcept {
    if (sequence < next_in_order_) ++lane.tally.repeated;
    if (sequence > next_in_order_) order_gaps_ += sequence - next_in_order_;
    next_in_order_ = sequence + 1;
  }

  // A stamp that has been written over by a later one is passed over; rings are too small for it.
  void time_beside(std::uint32_t lane, Sequence sequence) noexcept {
    const StampWord& word = child_.page.stamp(lane, sequence);
    // [sync:run-stamp] Acquire: the ticks of this number.
    const std::uint64_t before = word.sequence.load(std::memory_order_acquire);
    const std::uint64_t stamp = word.ticks.load(std::memory_order_relaxed);
    // [sync:run-stamp] Acquire fence: if the ticks are a later message's, the number has changed.
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t after = word.sequence.load(std::memory_order_relaxed);
    if (before == sequence + 1 && after == before) time(stamp);
  }

  void time(std::uint64_t stamp) noexcept {
    const std::uint64_t now = child_.clock.ticks_ordered();
    latency_.record(now > stamp ? child_.clock.duration_ns(now - stamp) : 0);
  }

  // The sequence numbers are dense, so every gap is a loss, to the message.
  static void skip(Lane& lane, Sequence sequence) noexcept {
    if (sequence > lane.next) {
      lane.tally.lost += sequence - lane.next;
    } else {
      ++lane.tally.repeated;
    }
  }

  void stray() noexcept { ++lanes_.front().tally.wrong; }

  // Being lapped or evicted is no failure of this reader; everything else is.
  Result<void> lapped(const Error& error) noexcept {
    if (error.code() != Errc::overrun && error.code() != Errc::evicted) return Failure(error);
    return {};
  }

  // Have all lanes ended, and do we have what was in them?
  bool complete(unsigned quiet) noexcept {
    const RunSettings& settings = child_.settings();
    const auto ended = child_.page.header().lanes_ended.load(std::memory_order_relaxed);  // a hint
    if (ended < settings.publishers) return false;
    bool all = true;
    bool died = false;
    for (std::uint32_t number = 0; number < settings.publishers; ++number) {
      const PublisherWords& publisher = child_.page.publisher(number);
      // [sync:run-lane-end] Acquire: its count is final.
      const auto end = static_cast<LaneEnd>(publisher.end.load(std::memory_order_acquire));
      if (end == LaneEnd::open) return false;
      const std::uint64_t last = publisher.published.load(std::memory_order_relaxed);
      const bool known = end == LaneEnd::complete && publisher.lane < lanes_.size();
      if (!known || lanes_[publisher.lane].next < last) all = false;
      if (!known) died = true;
    }
    return all || quiet >= patience(died);
  }

  // A disk may take its time, and as long as the recorder lives everything comes. Only what a dead
  // publisher has published nobody can tell from here.
  [[nodiscard]] unsigned patience(bool died) const noexcept {
    const bool records = child_.settings().durable != 0 &&
                         child_.page.header().recorder.gone.load(std::memory_order_relaxed) == 0;
    if (!records) return kQuietEnough;
    return died ? kDiskQuietEnough : ~0U;
  }

  void show() noexcept {
    std::uint64_t received = 0;
    std::uint64_t lost = 0;
    for (const Lane& lane : lanes_) {
      received += lane.tally.received;
      lost += lane.tally.lost;
    }
    words_.received.store(received, std::memory_order_relaxed);
    words_.lost.store(lost, std::memory_order_relaxed);
    words_.last_ns = child_.clock.now_ns();
  }

  // What never came although it was published is lost, too.
  void finish() noexcept {
    for (std::uint32_t number = 0; number < child_.settings().publishers; ++number) {
      const PublisherWords& publisher = child_.page.publisher(number);
      if (publisher.lane >= lanes_.size()) continue;
      Lane& lane = lanes_[publisher.lane];
      const std::uint64_t last = publisher.published.load(std::memory_order_relaxed);
      if (last > lane.next) lane.tally.lost += last - lane.next;
    }
    const std::uint64_t last_ns = words_.last_ns;
    show();
    words_.last_ns = last_ns;
    words_.transport_lost = subscriber_.stats().lost;
    if (order_gaps_ > words_.transport_lost) stray();  // a gap that nobody told us of
    for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) {
      lanes_[lane].tally.checksum = lanes_[lane].checksum.value();
      child_.page.tally(child_.number, lane) = lanes_[lane].tally;
    }
  }

  const RunChild& child_;
  SubscriberWords& words_;
  Subscriber subscriber_;
  std::vector<Lane> lanes_;
  Histogram latency_;
  const std::uint64_t planted_;     // which message of a lane to misread, from 1; 0: none
  const bool stamps_beside_;        // stamps lie in the page, of the messages below
  const std::uint64_t stamp_mask_;  // those whose number has none of these bits
  const bool one_order_;            // of all publishers
  Sequence next_in_order_ = 0;
  std::uint64_t order_gaps_ = 0;  // messages
};

}  // namespace

Result<void> subscribe_in_run(const RunChild& child) {
  SubscriberOptions options;
  options.wait = static_cast<Wait>(child.settings().wait);
  // A lane that is made after we joined is ours from its beginning; one that was there is empty.
  options.from = From::oldest();
  auto made = child.channel.subscriber(options);
  if (!made) return Failure(made.error());
  RunSubscriber subscriber(child, std::move(*made));
  reach(child.words, RunPhase::place);
  if (!child.await(RunPhase::bare_before)) return {};
  child.play_bare(RunPhase::bare_before, false);
  if (!child.await(RunPhase::listen)) return {};
  reach(child.words, RunPhase::listen);
  if (auto done = subscriber.run(); !done) return done;
  reach(child.words, RunPhase::publish);
  if (!child.await(RunPhase::bare_after)) return {};
  child.play_bare(RunPhase::bare_after, false);
  static_cast<void>(child.await(RunPhase::leave));
  return {};
}

}  // namespace millrace::tools
