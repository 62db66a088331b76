#include "millrace/transport/trace.hpp"

#include "counter.hpp"
#include "millrace/transport/channel.hpp"
#include "stamp_recorder.hpp"

#include <algorithm>
#include <bit>

namespace millrace {

namespace detail {

namespace {

// How often a record is looked at again that is being overwritten right now.
constexpr int kLooks = 4;

// A private copy of what a recorder says about itself, if it can be true.
struct RecorderFacts {
  StampRole role = StampRole::publisher;
  std::uint32_t slots = 0;
  std::uint32_t shift = 0;
};

Result<RecorderFacts> facts_of(const Segment& segment, ClockSource clock, const char* name) {
  const auto& file = *reinterpret_cast<const layout::StampFile*>(segment.data());
  const RecorderFacts facts{static_cast<StampRole>(file.role), file.slots, file.shift};
  const std::uint32_t source = file.clock;
  const bool sound = facts.role >= StampRole::publisher && facts.role <= StampRole::journal &&
                     std::has_single_bit(facts.slots) && facts.slots >= layout::kStampRecordsMin &&
                     facts.slots <= layout::kStampRecordsMax &&
                     layout::stamp_file_bytes(facts.slots) <= segment.size() &&
                     facts.shift <= Sampling::kShiftMax;
  if (!sound) {
    return fail(Errc::format, "the flight recorder %s holds what no recorder writes; remove it",
                name);
  }
  if (source == static_cast<std::uint32_t>(clock)) return facts;
  return fail(Errc::unsupported,
              "the flight recorder %s was stamped by another clock than this domain's now, so its "
              "times cannot be compared",
              name);
}

void read_records(const Segment& segment, std::uint32_t slots, RecorderTrace& trace) {
  using Found = StampReader<StampView>::Found;
  const StampReader<StampView> reader(StampView(
      reinterpret_cast<layout::StampSlot*>(segment.data() + sizeof(layout::StampFile)), slots));
  trace.records.reserve(slots);
  for (std::uint64_t index = 0; index < slots; ++index) {
    StampRecord record;
    Found found = Found::torn;
    for (int look = 0; look < kLooks && found == Found::torn; ++look)
      found = reader.read(index, record);
    if (found == Found::torn) ++trace.torn;
    if (found == Found::false_number) ++trace.wrong;
    if (found == Found::whole) trace.records.push_back(record);
  }
  std::ranges::sort(trace.records, {}, &StampRecord::number);
}

Result<RecorderTrace> read_recorder(const ChannelState& channel, const RecorderName& name,
                                    ClockSource clock) {
  auto segment = open_recorder(channel, name);
  if (!segment) return Failure(segment.error());
  // Its owner may cut it off while we read: then the rest is zeroes, which are no records.
  const Watched watch(segment->data(), segment->size(), Access::read);
  const std::string called = to_string(name);
  const auto facts = facts_of(*segment, clock, called.c_str());
  if (!facts) return Failure(facts.error());
  if (!segment->of_this_boot()) {
    return fail(Errc::format, "the flight recorder %s is of an earlier boot; clean the channel",
                called.c_str());
  }
  RecorderTrace trace;
  trace.owner = peer_name(channel.domain->directory.fd(), name.participant, name.number);
  trace.role = facts->role;
  trace.every = 1U << facts->shift;
  trace.kept = facts->slots;
  trace.left = value(reinterpret_cast<const layout::StampFile*>(segment->data())->left) != 0;
  read_records(*segment, facts->slots, trace);
  return trace;
}

}  // namespace

}  // namespace detail

Result<ChannelTrace> Channel::trace() const {
  const auto clock = Clock::open(state_->domain->directory.fd());
  if (!clock) return Failure(clock.error());
  const auto names = detail::recorder_names(*state_);
  if (!names) {
    return fail(Errc::no_permission, "channel \"%s\": its flight recorders cannot be listed",
                state_->name.c_str());
  }
  ChannelTrace trace;
  trace.channel = state_->name;
  trace.clock = clock->source();
  for (const detail::RecorderName& name : *names) {
    auto read = detail::read_recorder(*state_, name, trace.clock);
    if (read) {
      trace.recorders.push_back(std::move(*read));
    } else if (read.error().code() != Errc::not_found) {
      trace.refused.emplace_back(read.error().sentence());
    }
  }
  std::ranges::sort(trace.recorders, [](const RecorderTrace& a, const RecorderTrace& b) {
    if (a.role != b.role) return a.role < b.role;
    if (a.owner.incarnation != b.owner.incarnation)
      return a.owner.incarnation < b.owner.incarnation;
    return a.owner.number < b.owner.number;
  });
  return trace;
}

}  // namespace millrace
