// Millrace through its public interface: one channel with one publisher and one subscriber, in two
// processes. What goes wrong here ends the process with the sentence of the error.
//
// kPlant adds a defect on purpose, so that the harness can be seen to notice one.
#pragma once

#include "grounds.hpp"
#include "message_shape.hpp"
#include "millrace/transport/domain.hpp"

#include <atomic>
#include <cstring>
#include <optional>
#include <string>

namespace millrace::bench {

// Prints the sentence and leaves with 2: a bench that cannot go on has no result.
[[noreturn]] void give_up(const Error& error) noexcept;

template <class T>
T must(Result<T>&& result) noexcept {
  if (!result) give_up(result.error());
  return std::move(*result);
}

// What the channels here differ in.
struct ChannelPlan {
  std::string name;
  std::uint64_t ring_bytes = kRingBytes;
  std::uint32_t lanes = 1;
  Wait wait = Wait::spin;
  Pages pages = Pages::normal;
};

[[nodiscard]] ChannelOptions channel_options(const ChannelPlan& plan);

// Both sides give the same plan; who comes first makes the channel.
[[nodiscard]] Publisher make_publisher(Domain& domain, const ChannelPlan& plan);
[[nodiscard]] Subscriber make_subscriber(Domain& domain, const ChannelPlan& plan);

template <class Shape, Plant kPlant>
class ChannelSender {
 public:
  ChannelSender(Publisher publisher, std::atomic<std::uint64_t>& line) noexcept
      : publisher_(std::move(publisher)), line_(line) {}

  void send(const std::byte* message) noexcept {
    const std::size_t length = shape_.next();
    auto claim = publisher_.claim(length);
    if (!claim) [[unlikely]]
      give_up(claim.error());
    std::memcpy(claim->bytes().data(), message, length);
    if constexpr (kPlant == Plant::line) {
      // Relaxed: nothing depends on it but the time it costs.
      line_.store(++planted_, std::memory_order_relaxed);
    }
    std::move(*claim).publish();
    if constexpr (kPlant == Plant::fence) {
      std::atomic_thread_fence(std::memory_order_seq_cst);  // [sync:bench-plant] orders nothing
      ++planted_;
    }
  }

  // Defects committed so far.
  [[nodiscard]] std::uint64_t planted() const noexcept { return planted_; }

 private:
  Publisher publisher_;
  Shape shape_;
  std::atomic<std::uint64_t>& line_;
  std::uint64_t planted_ = 0;
};

// The call that copies by itself.
class ChannelCopySender {
 public:
  explicit ChannelCopySender(Publisher publisher) noexcept : publisher_(std::move(publisher)) {}

  void send(const std::byte* message) noexcept {
    const auto sent = publisher_.send({message, kStreamBytes});
    if (!sent) [[unlikely]]
      give_up(sent.error());
  }

 private:
  Publisher publisher_;
};

// Reveals 16 messages with one release store.
class ChannelBatchSender {
 public:
  explicit ChannelBatchSender(Publisher publisher) noexcept : publisher_(std::move(publisher)) {}

  void send(const std::byte* message) noexcept {
    if (!batch_) batch_.emplace(must(publisher_.batch()));
    const auto added = batch_->add({message, kStreamBytes});
    if (!added) [[unlikely]]
      give_up(added.error());
    if (batch_->count() == kBatchCount) flush();
  }

  // The rest of a slice.
  void flush() noexcept {
    if (!batch_) return;
    std::move(*batch_).publish();
    batch_.reset();
  }

 private:
  Publisher publisher_;
  std::optional<Batch> batch_;
};

template <class Shape, Plant kPlant>
class ChannelReceiver {
 public:
  ChannelReceiver(Subscriber subscriber, std::atomic<std::uint64_t>& line) noexcept
      : subscriber_(std::move(subscriber)), line_(line) {}

  bool take(std::byte* out) noexcept {
    auto message = subscriber_.try_poll();
    if (!message) [[unlikely]]
      give_up(message.error());
    if (!*message) return false;
    copy_out(out, **message);
    return true;
  }

  template <class Sink>
  std::size_t drain(Sink&& sink, std::size_t most) noexcept {
    const auto done = subscriber_.poll_each(
        [&](const Message& message) {
          const std::size_t length = shape_.next();
          if (message.bytes().size() != length) [[unlikely]] {
            wrong_length();
          }
          sink(message.bytes().data(), length);
          look_at_line();
        },
        most);
    if (!done) [[unlikely]]
      give_up(done.error());
    return *done;
  }

 private:
  [[noreturn]] static void wrong_length() noexcept {
    give_up(Error(Errc::format, 0, "a message came with a length that nobody sent"));
  }

  void look_at_line() noexcept {
    if constexpr (kPlant == Plant::line) {
      // Goes on only with what it says: a load that nobody waits for would cost next to nothing.
      ++looked_;
      while (line_.load(std::memory_order_relaxed) < looked_) {
      }
    }
  }

  void copy_out(std::byte* out, const Message& message) noexcept {
    const std::size_t length = shape_.next();
    if (message.bytes().size() != length) [[unlikely]]
      wrong_length();
    std::memcpy(out, message.bytes().data(), length);
    look_at_line();
  }

  Subscriber subscriber_;
  Shape shape_;
  std::atomic<std::uint64_t>& line_;
  std::uint64_t looked_ = 0;
};

}  // namespace millrace::bench
