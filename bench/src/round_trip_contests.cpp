// Bare words, and messages there and back.
#include "channel_ends.hpp"
#include "contest.hpp"
#include "core_lane.hpp"
#include "rival_rings.hpp"
#include "timed_loops.hpp"

#include <string>
#include <utility>

namespace millrace::bench {

namespace {

template <bool kPause, class Words>
class Bare final : public Contest {
 public:
  explicit Bare(Words& words) noexcept : words_(words) {}

  Timing lead(std::uint64_t trips) noexcept override {
    return lead_bare<kPause>(words_, trips, count_);
  }

  void follow(std::uint64_t trips) noexcept override { follow_bare<kPause>(words_, trips, count_); }

 private:
  Words& words_;
  std::uint64_t count_ = 0;
};

template <std::size_t kBytes, class Sender, class Receiver>
class RoundTrip final : public Contest {
 public:
  RoundTrip(Sender sender, Receiver receiver) noexcept
      : sender_(std::move(sender)), receiver_(std::move(receiver)) {}

  Timing lead(std::uint64_t trips) noexcept override {
    return lead_round_trips<kBytes>(sender_, receiver_, trips, count_);
  }

  void follow(std::uint64_t trips) noexcept override {
    follow_round_trips<kBytes>(sender_, receiver_, trips);
  }

 private:
  Sender sender_;
  Receiver receiver_;
  std::uint64_t count_ = 0;
};

template <std::size_t kBytes, class Sender, class Receiver>
ContestPointer round_trip(Sender sender, Receiver receiver) {
  return std::make_unique<RoundTrip<kBytes, Sender, Receiver>>(std::move(sender),
                                                               std::move(receiver));
}

template <std::size_t kBytes, Plant kPlant = Plant::none>
ContestPointer channel_round_trip(const Arena& arena, Subject subject) {
  const ChannelPlan there{.name = "there-" + std::to_string(index(subject))};
  const ChannelPlan back{.name = "back-" + std::to_string(index(subject))};
  auto& line = arena.grounds.orders->plant_line;
  using Shape = OneSize<kBytes>;
  auto publisher = make_publisher(arena.domain, arena.leads() ? there : back);
  auto subscriber = make_subscriber(arena.domain, arena.leads() ? back : there);
  return round_trip<kBytes>(ChannelSender<Shape, kPlant>(std::move(publisher), line),
                            ChannelReceiver<Shape, kPlant>(std::move(subscriber), line));
}

ContestPointer core_round_trip(const Arena& arena) {
  LaneGround& out = arena.grounds.lanes[arena.leads() ? 0 : 1];
  LaneGround& in = arena.grounds.lanes[arena.leads() ? 1 : 0];
  return round_trip<kStreamBytes>(
      CoreSender(must(LaneMaps::of(out, Access::write)), *out.places),
      CoreReceiver<true>(must(LaneMaps::of(in, Access::read)), *in.places));
}

ContestPointer boost_round_trip(const Arena& arena) {
  BoostRing& out = arena.leads() ? *arena.grounds.boost_there : *arena.grounds.boost_back;
  BoostRing& in = arena.leads() ? *arena.grounds.boost_back : *arena.grounds.boost_there;
  return round_trip<kStreamBytes>(BoostSender(out), BoostReceiver<false>(in));
}

}  // namespace

ContestPointer make_bare(const Arena& arena, Subject subject) {
  Grounds& grounds = arena.grounds;
  switch (subject) {
    case Subject::bare_pause: return std::make_unique<Bare<true, BareWords>>(*grounds.bare_pause);
    case Subject::bare_walk: return std::make_unique<Bare<false, BareWalk>>(*grounds.bare_walk);
    case Subject::bare_null: return std::make_unique<Bare<false, BareWords>>(*grounds.bare_null);
    default: return std::make_unique<Bare<false, BareWords>>(*grounds.bare);
  }
}

ContestPointer make_round_trip(const Arena& arena, Subject subject) {
  switch (subject) {
    case Subject::round_trip_8: return channel_round_trip<8>(arena, subject);
    case Subject::round_trip_56: return channel_round_trip<56>(arena, subject);
    case Subject::round_trip_256: return channel_round_trip<256>(arena, subject);
    case Subject::round_trip_1024: return channel_round_trip<1024>(arena, subject);
    case Subject::round_trip_line: return channel_round_trip<32, Plant::line>(arena, subject);
    case Subject::core_round_trip: return core_round_trip(arena);
    case Subject::boost_round_trip: return boost_round_trip(arena);
    default: return channel_round_trip<32>(arena, subject);
  }
}

}  // namespace millrace::bench
