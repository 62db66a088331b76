#include "contest.hpp"

#include "channel_ends.hpp"
#include "core_lane.hpp"
#include "rival_rings.hpp"
#include "timed_loops.hpp"

#include <string>
#include <utility>

namespace millrace::bench {

namespace {

class Bare final : public Contest {
 public:
  explicit Bare(BareWords& words) noexcept : words_(words) {}

  Timing lead(std::uint64_t trips) noexcept override {
    return lead_bare(words_.there, words_.back, trips, count_);
  }

  void follow(std::uint64_t trips) noexcept override {
    follow_bare(words_.there, words_.back, trips, count_);
  }

 private:
  BareWords& words_;
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

// The leader receives: only where the messages arrive can their rate be seen.
template <class Receiver>
class StreamIn final : public Contest {
 public:
  explicit StreamIn(Receiver receiver) noexcept : receiver_(std::move(receiver)) {}

  Timing lead(std::uint64_t messages) noexcept override {
    return lead_stream(receiver_, messages, count_);
  }

  void follow(std::uint64_t) noexcept override {}

 private:
  Receiver receiver_;
  std::uint64_t count_ = 0;
};

template <class Sender>
class StreamOut final : public Contest {
 public:
  explicit StreamOut(Sender sender) noexcept : sender_(std::move(sender)) {}

  Timing lead(std::uint64_t) noexcept override { return {}; }

  void follow(std::uint64_t messages) noexcept override {
    follow_stream(sender_, messages, count_);
  }

 private:
  Sender sender_;
  std::uint64_t count_ = 0;
};

template <std::size_t kBytes, class Sender, class Receiver>
std::unique_ptr<Contest> round_trip(Sender sender, Receiver receiver) {
  return std::make_unique<RoundTrip<kBytes, Sender, Receiver>>(std::move(sender),
                                                               std::move(receiver));
}

// Makes only the end that this side needs.
template <class MakeSender, class MakeReceiver>
std::unique_ptr<Contest> stream(Side side, MakeSender make_sender, MakeReceiver make_receiver) {
  using Sender = decltype(make_sender());
  using Receiver = decltype(make_receiver());
  if (side == Side::leader) return std::make_unique<StreamIn<Receiver>>(make_receiver());
  return std::make_unique<StreamOut<Sender>>(make_sender());
}

template <std::size_t kBytes, Plant kPlant>
std::unique_ptr<Contest> channel_round_trip(Side side, Domain& domain, Grounds& grounds) {
  const std::string there = "there-" + std::to_string(kBytes);
  const std::string back = "back-" + std::to_string(kBytes);
  const bool leads = side == Side::leader;
  auto& line = grounds.orders->plant_line;
  return round_trip<kBytes>(
      ChannelSender<kBytes, kPlant>(make_publisher(domain, leads ? there : back), line),
      ChannelReceiver<kBytes, kPlant>(make_subscriber(domain, leads ? back : there), line));
}

template <Plant kPlant>
void add_channels(Contests& contests, Side side, Domain& domain, Grounds& grounds) {
  const auto at = [&](Subject subject) -> auto& {
    return contests[static_cast<std::size_t>(subject)];
  };
  at(Subject::round_trip_8) = channel_round_trip<8, kPlant>(side, domain, grounds);
  at(Subject::round_trip_32) = channel_round_trip<32, kPlant>(side, domain, grounds);
  at(Subject::round_trip_56) = channel_round_trip<56, kPlant>(side, domain, grounds);
  auto& line = grounds.orders->plant_line;
  using Sender = ChannelSender<kStreamBytes, kPlant>;
  using Receiver = ChannelReceiver<kStreamBytes, kPlant>;
  at(Subject::stream) = stream(
      side, [&] { return Sender(make_publisher(domain, "stream"), line); },
      [&] { return Receiver(make_subscriber(domain, "stream"), line); });
  at(Subject::stream_batch) = stream(
      side, [&] { return ChannelBatchSender(make_publisher(domain, "batches")); },
      [&] {
        return ChannelReceiver<kStreamBytes, Plant::none>(make_subscriber(domain, "batches"), line);
      });
}

CoreSender core_sender(LaneGround& ground) {
  return {must(LaneMaps::of(ground, Access::write)), *ground.places};
}

CoreReceiver core_receiver(LaneGround& ground) {
  return {must(LaneMaps::of(ground, Access::read)), *ground.places};
}

void add_core_lanes(Contests& contests, Side side, Grounds& grounds) {
  auto& [there, back, flood] = grounds.lanes;
  const bool leads = side == Side::leader;
  contests[static_cast<std::size_t>(Subject::core_round_trip)] = round_trip<kStreamBytes>(
      core_sender(leads ? there : back), core_receiver(leads ? back : there));
  contests[static_cast<std::size_t>(Subject::core_stream)] = stream(
      side, [&flood] { return core_sender(flood); }, [&flood] { return core_receiver(flood); });
}

void add_rivals(Contests& contests, Side side, Grounds& grounds) {
  const auto at = [&](Subject subject) -> auto& {
    return contests[static_cast<std::size_t>(subject)];
  };
  const bool leads = side == Side::leader;
  at(Subject::boost_round_trip) = round_trip<kStreamBytes>(
      BoostSender(leads ? *grounds.boost_there : *grounds.boost_back),
      BoostReceiver<false>(leads ? *grounds.boost_back : *grounds.boost_there));
  const auto fixed = [&](FixedRing& ring) {
    return stream(
        side, [&] { return FixedSender(ring); }, [&] { return FixedReceiver<false>(ring); });
  };
  at(Subject::fixed) = fixed(*grounds.fixed);
  at(Subject::fixed_null) = fixed(*grounds.fixed_null);
  at(Subject::sequencer) = stream(
      side, [&] { return FixedSender(*grounds.sequencer); },
      [&] { return FixedReceiver<true>(*grounds.sequencer); });
  at(Subject::boost_stream) = stream(
      side, [&] { return BoostSender(*grounds.boost_stream); },
      [&] { return BoostReceiver<false>(*grounds.boost_stream); });
  at(Subject::boost_stream_run) = stream(
      side, [&] { return BoostSender(*grounds.boost_stream_run); },
      [&] { return BoostReceiver<true>(*grounds.boost_stream_run); });
}

}  // namespace

Contests make_contests(Side side, Grounds& grounds, Plant plant) {
  Contests contests;
  contests[static_cast<std::size_t>(Subject::bare)] = std::make_unique<Bare>(*grounds.bare);
  contests[static_cast<std::size_t>(Subject::bare_null)] =
      std::make_unique<Bare>(*grounds.bare_null);
  DomainOptions options;
  options.path = grounds.domain;
  options.participant = side == Side::leader ? "bench-leader" : "bench-follower";
  Domain domain = must(Domain::open(options));
  switch (plant) {
    case Plant::none: add_channels<Plant::none>(contests, side, domain, grounds); break;
    case Plant::fence: add_channels<Plant::fence>(contests, side, domain, grounds); break;
    case Plant::line: add_channels<Plant::line>(contests, side, domain, grounds); break;
  }
  add_core_lanes(contests, side, grounds);
  add_rivals(contests, side, grounds);
  return contests;
}

}  // namespace millrace::bench
