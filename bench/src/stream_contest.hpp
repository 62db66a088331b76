// A stream as a contest: the leader receives, because only where messages arrive can their rate be
// seen; the follower sends.
#pragma once

#include "contest.hpp"
#include "timed_loops.hpp"

#include <utility>

namespace millrace::bench {

// kBytes: the longest message.
template <std::size_t kBytes, class Receiver>
class StreamIn final : public Contest {
 public:
  StreamIn(Receiver receiver, std::uint64_t lap) noexcept
      : receiver_(std::move(receiver)), lap_(lap) {}

  Timing lead(std::uint64_t messages) noexcept override {
    return lead_stream<kBytes>(receiver_, messages, lap_, count_);
  }

  void follow(std::uint64_t) noexcept override {}

 private:
  Receiver receiver_;
  std::uint64_t lap_;
  std::uint64_t count_ = 0;
};

template <std::size_t kBytes, class Sender>
class StreamOut final : public Contest {
 public:
  explicit StreamOut(Sender sender) noexcept : sender_(std::move(sender)) {}

  Timing lead(std::uint64_t) noexcept override { return {}; }

  void follow(std::uint64_t messages) noexcept override {
    follow_stream<kBytes>(sender_, messages, count_);
  }

 private:
  Sender sender_;
  std::uint64_t count_ = 0;
};

// Makes only the end that this side needs.
template <std::size_t kBytes, class MakeSender, class MakeReceiver>
ContestPointer stream_of(const Arena& arena, Subject subject, MakeSender make_sender,
                         MakeReceiver make_receiver) {
  using Sender = decltype(make_sender());
  using Receiver = decltype(make_receiver());
  if (arena.leads()) {
    return std::make_unique<StreamIn<kBytes, Receiver>>(make_receiver(), lap_of(info(subject)));
  }
  return std::make_unique<StreamOut<kBytes, Sender>>(make_sender());
}

}  // namespace millrace::bench
