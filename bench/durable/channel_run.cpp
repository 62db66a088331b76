#include "channel_run.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/histogram.hpp"
#include "millrace/persist/recorder.hpp"
#include "millrace/transport/domain.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <sys/prctl.h>
#include <thread>

namespace millrace::bench {

namespace {

constexpr std::size_t kMessageBytes = 256;
constexpr std::uint64_t kSparesMaxNs = 10'000'000'000;
constexpr std::uint64_t kTickNs = 50'000;  // the publisher sleeps this long and catches up

// Sends at the intended times, each message with its own.
Result<std::uint64_t> publish(Publisher& publisher, const ChannelRun& run) {
  std::array<std::byte, kMessageBytes> message{};
  // Else every sleep ends up to 50 us late, and the load generator's own delay is measured.
  prctl(PR_SET_TIMERSLACK, 1UL);
  const std::uint64_t began = monotonic_ns();
  const auto gap = 1e9 / run.rate;
  const auto all = static_cast<std::uint64_t>(run.rate * run.seconds);
  for (std::uint64_t sent = 0; sent < all;) {
    const std::uint64_t now = monotonic_ns();
    for (; sent < all; ++sent) {
      const std::uint64_t due = began + static_cast<std::uint64_t>(static_cast<double>(sent) * gap);
      if (due > now) break;
      std::memcpy(message.data(), &due, sizeof due);
      if (auto done = publisher.send(message); !done) return Failure(done.error());
    }
    std::this_thread::sleep_for(std::chrono::nanoseconds(kTickNs));
  }
  return all;
}

// Reads until the publisher has left and everything was delivered.
Result<void> read(Subscriber& subscriber, Histogram& latencies) {
  for (;;) {
    const auto message = subscriber.poll();
    if (!message) {
      if (message.error().code() == Errc::closed) return {};
      return Failure(message.error());
    }
    std::uint64_t due = 0;
    std::memcpy(&due, message->bytes().data(), sizeof due);
    const std::uint64_t now = monotonic_ns();
    latencies.record(now > due ? now - due : 0);
  }
}

// The recorder in its own thread; io_uring wants the thread that opened it.
class Recording {
 public:
  Recording(const Domain& domain, const std::string& directory) {
    thread_ = std::thread([this, domain, directory] {
      JournalOptions options;
      options.directory = directory;
      auto recorder = Recorder::open(domain, options, {"bench"});
      result_ = recorder ? Result<void>() : Failure(recorder.error());
      // As a log that has run for a while: its spare slots are made.
      const std::uint64_t until = monotonic_ns() + kSparesMaxNs;
      while (result_ && recorder->stats().journal.spares <= options.spares &&
             monotonic_ns() < until) {
        result_ = recorder->round(std::chrono::milliseconds(10));
      }
      opened_.store(true);
      opened_.notify_all();
      if (!result_) return;
      result_ = recorder->run(stop_);
      stats_ = recorder->stats();
      if (auto closed = recorder->close(); !closed && result_) result_ = closed;
    });
    opened_.wait(false);
  }

  Result<RecorderStats> end() {
    stop_.store(true);
    thread_.join();
    if (!result_) return Failure(result_.error());
    return stats_;
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<bool> opened_{false};
  Result<void> result_;
  RecorderStats stats_;
  std::thread thread_;
};

Result<void> drive(Channel& channel, const ChannelRun& run, Histogram& latencies) {
  SubscriberOptions reading;
  reading.wait = Wait::park;
  reading.until_closed = true;
  reading.delivery = run.durable ? Delivery::durable : Delivery::visible;
  auto subscriber = channel.subscriber(reading);
  if (!subscriber) return Failure(subscriber.error());
  PublisherOptions naming;
  naming.name = "bench";
  naming.wait = Wait::park;
  auto publisher = channel.publisher(naming);
  if (!publisher) return Failure(publisher.error());
  std::optional<Publisher> owned(std::move(*publisher));
  Result<void> sent;
  std::thread sender([&] {
    auto done = publish(*owned, run);
    if (!done) sent = Failure(done.error());
    owned.reset();
  });
  auto received = read(*subscriber, latencies);
  sender.join();
  return sent ? received : sent;
}

}  // namespace

Result<ChannelFigures> run_channel(const ChannelRun& run) {
  auto domain = Domain::open({.path = run.directory + "/domain"});
  if (!domain) return Failure(domain.error());
  ChannelOptions options;
  options.ring_bytes = std::uint64_t{16} << 20;
  options.durable = run.recorded;
  if (run.recorded) options.journal = run.directory + "/journal";
  auto channel = domain->channel("bench", options);
  if (!channel) return Failure(channel.error());
  std::unique_ptr<Recording> recording;
  if (run.recorded) recording = std::make_unique<Recording>(*domain, options.journal);
  auto bytes = std::make_unique<layout::HistogramBytes>();
  Histogram latencies(*bytes);
  auto driven = drive(*channel, run, latencies);
  ChannelFigures figures;
  if (recording) {
    auto stats = recording->end();
    if (!stats) return Failure(stats.error());
    figures.device_p50_ns = static_cast<double>(stats->journal.write_ns_p50);
    figures.device_p99_ns = static_cast<double>(stats->journal.write_ns_p99);
  }
  if (!driven) return Failure(driven.error());
  figures.p50_ns = static_cast<double>(latencies.percentile_ns(50));
  figures.p99_ns = static_cast<double>(latencies.percentile_ns(99));
  figures.messages = static_cast<double>(latencies.count());
  return figures;
}

}  // namespace millrace::bench
