// Streams of 1 KiB and 64 KiB, and the bare copies beside them.
#include "channel_ends.hpp"
#include "copy_ring.hpp"
#include "stream_contest.hpp"

#include <string>

namespace millrace::bench {

namespace {

template <std::size_t kBytes, std::uint64_t kFootprint>
ContestPointer copies(const Arena& arena, Subject subject, CopyRing<kBytes, kFootprint>& ring) {
  return stream_of<kBytes>(
      arena, subject, [&] { return CopySender(ring); }, [&] { return CopyReceiver(ring); });
}

template <std::size_t kBytes>
ContestPointer channel(const Arena& arena, Subject subject, std::uint64_t ring_bytes,
                       Pages pages = Pages::normal) {
  using Shape = OneSize<kBytes>;
  const ChannelPlan plan{
      .name = "long-" + std::to_string(index(subject)), .ring_bytes = ring_bytes, .pages = pages};
  auto& line = arena.grounds.orders->plant_line;
  return stream_of<kBytes>(
      arena, subject,
      [&] { return ChannelSender<Shape, Plant::none>(make_publisher(arena.domain, plan), line); },
      [&] {
        return ChannelReceiver<Shape, Plant::none>(make_subscriber(arena.domain, plan), line);
      });
}

}  // namespace

ContestPointer make_long_stream(const Arena& arena, Subject subject) {
  Grounds& grounds = arena.grounds;
  switch (subject) {
    case Subject::copy_1k: return copies(arena, subject, *grounds.copy_1k);
    case Subject::copy_1k_null: return copies(arena, subject, *grounds.copy_1k_null);
    case Subject::copy_64k: return copies(arena, subject, *grounds.copy_64k);
    case Subject::copy_64k_null: return copies(arena, subject, *grounds.copy_64k_null);
    case Subject::stream_64k: return channel<kLarge>(arena, subject, kLargeRingBytes);
    case Subject::stream_64k_huge:
      return channel<kLarge>(arena, subject, kLargeRingBytes, Pages::huge);
    default: return channel<kKilo>(arena, subject, kKiloRingBytes);
  }
}

}  // namespace millrace::bench
