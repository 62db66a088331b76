// Streams of short messages: Millrace, its core lane, and the fixed-size rings of others.
#include "channel_ends.hpp"
#include "core_lane.hpp"
#include "rival_rings.hpp"
#include "stream_contest.hpp"

#include <string>

namespace millrace::bench {

namespace {

ChannelPlan plan_of(Subject subject) {
  return {.name = "stream-" + std::to_string(index(subject))};
}

// The receiver of all of them looks for a second line only if there is one.
template <class Shape, Plant kPlant, class MakeSender>
ContestPointer channel_stream(const Arena& arena, Subject subject, MakeSender make_sender) {
  return stream_of<Shape::kMost>(
      arena, subject, [&] { return make_sender(make_publisher(arena.domain, plan_of(subject))); },
      [&] {
        return ChannelReceiver<Shape, kPlant>(make_subscriber(arena.domain, plan_of(subject)),
                                              arena.grounds.orders->plant_line);
      });
}

template <class Shape, Plant kPlant = Plant::none>
ContestPointer claimed_stream(const Arena& arena, Subject subject) {
  return channel_stream<Shape, kPlant>(arena, subject, [&](Publisher publisher) {
    return ChannelSender<Shape, kPlant>(std::move(publisher), arena.grounds.orders->plant_line);
  });
}

template <class Sender>
ContestPointer copied_stream(const Arena& arena, Subject subject) {
  return channel_stream<OneSize<kStreamBytes>, Plant::none>(
      arena, subject, [](Publisher publisher) { return Sender(std::move(publisher)); });
}

ContestPointer core_stream(const Arena& arena) {
  LaneGround& lane = arena.grounds.lanes[2];
  return stream_of<kStreamBytes>(
      arena, Subject::core_stream,
      [&] { return CoreSender(must(LaneMaps::of(lane, Access::write)), *lane.places); },
      [&] { return CoreReceiver<true>(must(LaneMaps::of(lane, Access::read)), *lane.places); });
}

template <bool kByTheRun>
ContestPointer fixed_stream(const Arena& arena, Subject subject, FixedRing& ring) {
  return stream_of<kStreamBytes>(
      arena, subject, [&] { return FixedSender(ring); },
      [&] { return FixedReceiver<kByTheRun>(ring); });
}

template <bool kByTheRun>
ContestPointer boost_stream(const Arena& arena, Subject subject, BoostRing& ring) {
  return stream_of<kStreamBytes>(
      arena, subject, [&] { return BoostSender(ring); },
      [&] { return BoostReceiver<kByTheRun>(ring); });
}

}  // namespace

ContestPointer make_stream(const Arena& arena, Subject subject) {
  Grounds& grounds = arena.grounds;
  switch (subject) {
    case Subject::fixed: return fixed_stream<false>(arena, subject, *grounds.fixed);
    case Subject::fixed_null: return fixed_stream<false>(arena, subject, *grounds.fixed_null);
    case Subject::sequencer: return fixed_stream<true>(arena, subject, *grounds.sequencer);
    case Subject::boost_stream: return boost_stream<false>(arena, subject, *grounds.boost_stream);
    case Subject::boost_stream_run:
      return boost_stream<true>(arena, subject, *grounds.boost_stream_run);
    case Subject::core_stream: return core_stream(arena);
    case Subject::stream_batch: return copied_stream<ChannelBatchSender>(arena, subject);
    case Subject::send: return copied_stream<ChannelCopySender>(arena, subject);
    case Subject::stream_quotes: return claimed_stream<QuoteLengths>(arena, subject);
    case Subject::stream_fence:
      return claimed_stream<OneSize<kStreamBytes>, Plant::fence>(arena, subject);
    default: return claimed_stream<OneSize<kStreamBytes>>(arena, subject);
  }
}

}  // namespace millrace::bench
