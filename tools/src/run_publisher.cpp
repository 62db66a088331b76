// A publisher of the main job: replays the input or samples the host, as fast as it may.
#include "millrace/core/racing_copy.hpp"
#include "run_checksum.hpp"
#include "run_child.hpp"
#include "run_input.hpp"
#include "run_pace.hpp"
#include "run_telemetry.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace millrace::tools {
namespace {

// Where nothing else slows the publisher, a stamp every 16 messages costs half a nanosecond each.
constexpr std::uint64_t kStampEvery = 16;
// Below this rate every message is stamped.
constexpr double kSlowRate = 1e6;
// How long a full ring is waited for before a look at whether we are to stop.
constexpr std::chrono::milliseconds kPatience{20};
constexpr std::uint64_t kSweepNs = 10'000'000;

class RunPublisher {
 public:
  RunPublisher(const RunChild& child, Publisher publisher)
      : child_(child),
        words_(child.page.publisher(child.number)),
        publisher_(std::move(publisher)),
        lane_(publisher_.lane()),
        sealed_(child.settings().policy != static_cast<std::uint32_t>(Policy::block)),
        numbered_(child.settings().order == static_cast<std::uint32_t>(Order::total)),
        stamp_mask_(stamp_mask_of(child.settings())),
        pace_(child.clock, child.settings().rate, child.words.cpu >= 0),
        frame_(sealed_ ? publisher_.message_bytes_max() + 8 : 0) {
    words_.lane = lane_;
  }

  Result<void> run() {
    words_.first_ns = child_.clock.now_ns();
    pace_.begin();
    auto done = child_.settings().telemetry != 0 ? sample() : replay();
    words_.last_ns = child_.clock.now_ns();
    words_.checksum = checksum_.value();
    show();
    return done;
  }

 private:
  static std::uint64_t stamp_mask_of(const RunSettings& settings) noexcept {
    if (settings.stamp_places != 0) return (std::uint64_t{1} << settings.stamp_shift) - 1;
    const bool all = settings.telemetry != 0 || (settings.rate > 0 && settings.rate < kSlowRate);
    return all ? 0 : kStampEvery - 1;
  }

  Result<void> replay() {
    const RunSettings& settings = child_.settings();
    const auto data = MappedBytes::map(kDataFd, settings.input_bytes);
    if (!data) return Failure(data.error());
    const auto lengths = MappedBytes::map(kLengthsFd, settings.input_lines * sizeof(std::uint32_t));
    if (!lengths) return Failure(lengths.error());
    const std::span lines(reinterpret_cast<const std::uint32_t*>(lengths->data()),
                          settings.input_lines);
    words_.first_ns = child_.clock.now_ns();
    pace_.begin();
    for (std::uint64_t round = 0; round != settings.repeat; ++round) {
      std::size_t at = 0;
      for (const std::uint32_t length : lines) {
        if (!pace_.due(child_.page)) [[unlikely]]
          return {};
        if (auto sent = send({data->data() + at, length}); !sent) [[unlikely]]
          return sent;
        at += std::size_t{length} + 1;
      }
    }
    return {};
  }

  Result<void> sample() {
    auto telemetry = Telemetry::open();
    if (!telemetry) return Failure(telemetry.error());
    Result<void> sent;
    Pace sweeps(child_.clock, child_.settings().rate > 0 ? 0 : 1e9 / kSweepNs,
                child_.words.cpu >= 0);
    sweeps.begin();
    while (sent && sweeps.due(child_.page)) {
      telemetry->sweep([&](std::string_view reading) {
        if (!pace_.due(child_.page)) return false;
        sent = send(std::as_bytes(std::span(reading)));
        return sent.has_value();
      });
      show();
    }
    return sent;
  }

  // One message. True room is waited for; a request to stop ends it without one.
  Result<void> send(std::span<const std::byte> payload) {
    const Sequence sequence = sent_;
    const std::uint64_t hash = hash_of(payload.data(), payload.size());
    bool stamped = (sequence & stamp_mask_) == 0;
    if (stamped && child_.settings().stamp_places != 0) {
      stamp_beside(sequence);
      stamped = false;
    }
    for (;;) {
      auto sent = sealed_   ? send_sealed(payload, hash, sequence, stamped)
                  : stamped ? send_stamped(payload)
                            : send_plain(payload);
      if (sent) [[likely]]
        break;
      const Errc code = sent.error().code();
      if (code != Errc::timeout && code != Errc::full) return sent;
      show();
      if (child_.page.stop() != RunStop::none) return {};
    }
    ++sent_;
    checksum_.add(hash, sequence);
    bytes_ += payload.size();
    if ((sequence & kShowMask) == 0) show();
    return {};
  }

  // Into the page. What a full ring then delays counts as latency, as it should.
  void stamp_beside(Sequence sequence) noexcept {
    if (lane_ >= child_.settings().publishers) return;
    StampWord& word = child_.page.stamp(lane_, sequence);
    word.sequence.store(0, std::memory_order_relaxed);
    // [sync:run-stamp] Release fence: whoever sees the ticks below sees the 0 above, too; else the
    // stamp of one message could count for another.
    std::atomic_thread_fence(std::memory_order_release);
    word.ticks.store(child_.clock.ticks(), std::memory_order_relaxed);
    // [sync:run-stamp] Release: whoever sees the number sees its ticks.
    word.sequence.store(sequence + 1, std::memory_order_release);
  }

  Result<void> send_plain(std::span<const std::byte> payload) noexcept {
    auto sent = publisher_.send_for(kPatience, payload);
    if (!sent) [[unlikely]]
      return Failure(sent.error());
    return {};
  }

  Result<void> send_stamped(std::span<const std::byte> payload) noexcept {
    auto claim = publisher_.claim_for(kPatience, payload.size() + kStampBytes, kStampedKey);
    if (!claim) [[unlikely]]
      return Failure(claim.error());
    std::byte* const to = claim->bytes().data();
    if (!payload.empty()) std::memcpy(to + kStampBytes, payload.data(), payload.size());
    const std::uint64_t stamp = child_.clock.ticks();
    std::memcpy(to, &stamp, sizeof stamp);
    std::move(*claim).publish();
    return {};
  }

  // Readers may be overtaken: the message proves itself, and moves through atomics.
  Result<void> send_sealed(std::span<const std::byte> payload, std::uint64_t hash,
                           Sequence sequence, bool stamped) noexcept {
    const std::size_t before =
        (stamped ? kStampBytes : 0) + (numbered_ ? kNumberBytes : 0) + kSealBytes;
    const std::uint16_t key = stamped ? kStampedKey | kSealedKey : kSealedKey;
    auto claim = publisher_.claim_for(kPatience, before + payload.size(), key);
    if (!claim) [[unlikely]]
      return Failure(claim.error());
    const std::uint64_t stamp = stamped ? child_.clock.ticks() : 0;
    const std::uint64_t seal = seal_of(hash, sequence, lane_, stamp);
    if (stamped) std::memcpy(frame_.data(), &stamp, sizeof stamp);
    if (numbered_) {
      std::memcpy(frame_.data() + before - kSealBytes - kNumberBytes, &sequence, sizeof sequence);
    }
    std::memcpy(frame_.data() + before - kSealBytes, &seal, sizeof seal);
    if (!payload.empty()) std::memcpy(frame_.data() + before, payload.data(), payload.size());
    copy_to_ring(claim->bytes().data(), frame_.data(), before + payload.size());
    std::move(*claim).publish();
    return {};
  }

  // What the parent shows while we run, and counts in the end.
  void show() noexcept {
    words_.published.store(sent_, std::memory_order_relaxed);
    words_.bytes.store(bytes_, std::memory_order_relaxed);
  }

  static constexpr std::uint64_t kShowMask = 255;

  const RunChild& child_;
  PublisherWords& words_;
  Publisher publisher_;
  const std::uint32_t lane_;
  const bool sealed_;
  const bool numbered_;  // one order: sequences count the messages of all publishers
  const std::uint64_t stamp_mask_;
  Pace pace_;
  std::vector<std::byte> frame_;
  LaneChecksum checksum_;
  Sequence sent_ = 0;  // number of our next message: its sequence in our lane
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<void> publish_in_run(const RunChild& child) {
  PublisherOptions options;
  options.wait = static_cast<Wait>(child.settings().wait);
  if (child.settings().durable != 0) options.name = run_publisher_name(child.number);
  auto made = child.channel.publisher(options);
  if (!made) return Failure(made.error());
  RunPublisher publisher(child, std::move(*made));
  reach(child.words, RunPhase::place);
  if (!child.await(RunPhase::bare_before)) return {};
  child.play_bare(RunPhase::bare_before, true);
  if (!child.await(RunPhase::publish)) return {};
  const auto done = publisher.run();
  PublisherWords& words = child.page.publisher(child.number);
  // [sync:run-lane-end] Release. Without it a subscriber could compare with an earlier count.
  words.end.store(static_cast<std::uint32_t>(LaneEnd::complete), std::memory_order_release);
  child.page.header().lanes_ended.fetch_add(1, std::memory_order_relaxed);  // a hint
  if (!done) return done;
  reach(child.words, RunPhase::publish);
  if (!child.await(RunPhase::bare_after)) return {};
  child.play_bare(RunPhase::bare_after, true);
  static_cast<void>(child.await(RunPhase::leave));
  return {};
}

}  // namespace millrace::tools
