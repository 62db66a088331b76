// One reader of many lanes, all but one of them idle: what idle lanes cost a busy one. Another lane
// is busy in every slice.
#include "channel_ends.hpp"
#include "stream_contest.hpp"

#include <string>
#include <vector>

namespace millrace::bench {

namespace {

constexpr std::uint64_t kLaneRingBytes = std::uint64_t{64} << 10;

std::uint32_t lanes_of(Subject subject) {
  switch (subject) {
    case Subject::lanes_2: return 2;
    case Subject::lanes_16: return 16;
    case Subject::lanes_256: return 256;
    default: return 1;
  }
}

ChannelPlan plan_of(Subject subject) {
  return {.name = "lanes-" + std::to_string(index(subject)),
          .ring_bytes = kLaneRingBytes,
          .lanes = lanes_of(subject)};
}

class LanesSender {
 public:
  LanesSender(const Arena& arena, Subject subject) {
    for (std::uint32_t lane = lanes_of(subject); lane != 0; --lane) {
      lanes_.emplace_back(make_publisher(arena.domain, plan_of(subject)),
                          arena.grounds.orders->plant_line);
    }
  }

  void send(const std::byte* message) noexcept { lanes_[busy_].send(message); }

  // At the end of a slice.
  void flush() noexcept { busy_ = (busy_ + 1) % lanes_.size(); }

 private:
  std::vector<ChannelSender<OneSize<kStreamBytes>, Plant::none>> lanes_;
  std::size_t busy_ = 0;
};

}  // namespace

ContestPointer make_lanes(const Arena& arena, Subject subject) {
  return stream_of<kStreamBytes>(
      arena, subject, [&] { return LanesSender(arena, subject); },
      [&] {
        return ChannelReceiver<OneSize<kStreamBytes>, Plant::none>(
            make_subscriber(arena.domain, plan_of(subject)), arena.grounds.orders->plant_line);
      });
}

}  // namespace millrace::bench
