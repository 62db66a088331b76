#include "recorder_durable.hpp"

#include "catalog.hpp"
#include "millrace/core/crash_point.hpp"

#include <algorithm>
#include <thread>

namespace millrace {

namespace {

using Feed = Result<JournalFeed>;

// The predecessor's lock on the log is free, but its participant may live for the moment that the
// kernel needs to close its files.
constexpr int kAttachNaps = 2000;
constexpr std::chrono::milliseconds kAttachNap{1};

// Not a name that a publisher can have: a lane of a time when the channel was not durable, whose
// numbers ended with its file (recorder_plain.hpp).
bool of_one_file(const JournalLane& lane) noexcept {
  return lane.producer.find('@') != std::string::npos;
}

// By whichever identity the log knows the channel of this name best: the one that it met last.
Uuid identity_of(const Journal& journal, const std::string& channel) {
  Uuid identity{};
  JournalLaneId newest = 0;
  for (const JournalLane& lane : journal.lanes()) {
    if (lane.channel_name != channel || of_one_file(lane) || lane.id < newest) continue;
    identity = lane.channel;
    newest = lane.id;
  }
  return identity;
}

Feed attach_feed(const Domain& domain, const std::string& channel, const std::string& directory,
                 const Journal& journal) {
  const Uuid channel_in_log = identity_of(journal, channel);
  for (int nap = 0;; ++nap) {
    Feed feed = JournalFeed::attach(domain, channel, directory, journal.uuid(),
                                    journal.stats().epoch, channel_in_log);
    if (feed || feed.error().code() != Errc::busy || nap == kAttachNaps) return feed;
    std::this_thread::sleep_for(kAttachNap);
  }
}

}  // namespace

Result<std::unique_ptr<DurableChannel>> DurableChannel::attach(const Domain& domain,
                                                               const std::string& channel,
                                                               const std::string& directory,
                                                               const Journal& journal,
                                                               RecorderNotes& notes) {
  const auto found = domain.find(channel);
  if (!found) return Failure(found.error());
  auto feed = attach_feed(domain, channel, directory, journal);
  if (!feed) return Failure(feed.error());
  MILLRACE_CRASH_POINT("recorder.attached");
  if (!feed->stamps_refused().empty()) notes.add(feed->stamps_refused());
  std::unique_ptr<DurableChannel> made(
      new DurableChannel(std::move(*feed), notes, found->options().ring_bytes));
  if (auto restored = made->restore_lanes(journal); !restored) return Failure(restored.error());
  return made;
}

Result<void> DurableChannel::restore_lanes(const Journal& journal) {
  for (const JournalLane& lane : journal.lanes()) {
    if (lane.channel != feed_.channel_in_log() || of_one_file(lane)) continue;
    const auto added = feed_.add_lane(lane.producer, lane.end);
    MILLRACE_CRASH_POINT("recorder.lane-restored");
    if (added) continue;
    // That lane's own fault does not stop the others; it is said when the lane is joined.
    if (added.error().code() != Errc::poisoned) return Failure(added.error());
  }
  return {};
}

Result<void> DurableChannel::join_lanes(Journal& journal, std::vector<RecorderSource*>& sources) {
  auto come = feed_.new_lanes();
  if (!come) return Failure(come.error());
  if (come->empty() && not_joined_.empty()) [[likely]]
    return {};
  not_joined_.insert(not_joined_.end(), come->begin(), come->end());
  std::vector<FeedLane> later;
  for (const FeedLane& lane : not_joined_) {
    auto joined = join(journal, lane);
    if (joined) {
      // Its number was another lane's, which lost its name to somebody else and held nothing.
      if (DurableLane* const before = find(lane.lane)) before->give_way();
      sources.push_back(joined->get());
      lanes_.push_back(std::move(*joined));
    } else if (for_good(joined.error())) {
      feed_.refuse(lane.lane);
      notes_.add(joined.error().sentence());
    } else {
      later.push_back(lane);
    }
  }
  not_joined_ = std::move(later);
  return {};
}

bool DurableChannel::for_good(const Error& why) noexcept {
  return why.code() != Errc::journal_poisoned && why.code() != Errc::no_space;
}

Result<std::unique_ptr<DurableLane>> DurableChannel::join(Journal& journal, const FeedLane& lane) {
  const Uuid& channel = feed_.channel_in_log();
  const JournalLane* const known = find_lane(journal.lanes(), channel, lane.producer);
  const Sequence next = known == nullptr ? lane.durable.sequence : known->end;
  if (auto there = feed_.resume(lane.lane, next); !there) return Failure(there.error());
  const auto id = journal.lane(channel, feed_.channel(), lane.producer, lane.epoch, next);
  if (!id) return Failure(id.error());
  // The log may hold more than the last persister lived to say. What it lacks, because it was
  // overwritten meanwhile, is not durable before the gap is.
  const Checkpoint held = feed_.copied(lane.lane);
  if (held.sequence == next) feed_.durable(lane.lane, held);
  MILLRACE_CRASH_POINT("recorder.joined");
  return std::make_unique<DurableLane>(feed_, notes_, lane.lane, *id, ring_bytes_);
}

void DurableChannel::collect_acknowledgements() {
  auto told = feed_.acknowledged();
  if (!told) return notes_.add(told.error().sentence());
  for (JournalFeed::Acknowledged& one : *told) {
    const auto same = std::ranges::find_if(acknowledged_, [&](const auto& earlier) {
      return earlier.lane == one.lane && earlier.subscriber == one.subscriber;
    });
    if (same == acknowledged_.end()) {
      acknowledged_.push_back(std::move(one));
    } else {
      same->sequence = std::max(same->sequence, one.sequence);
    }
  }
}

std::uint64_t DurableChannel::take_acknowledgements(Journal& journal) {
  return std::erase_if(acknowledged_, [&](const JournalFeed::Acknowledged& one) {
    const DurableLane* const lane = find(one.lane);
    // What was seen before it was durable may be acknowledged early: it must lie in this item or
    // before it, so that no acknowledgement outlives its message.
    if (lane == nullptr || lane->taken().sequence < one.sequence) return false;
    return journal.add_acknowledgement(one.subscriber, lane->id(), one.sequence);
  });
}

DurableLane* DurableChannel::find(std::uint32_t lane) const noexcept {
  const auto found = std::ranges::find_if(
      lanes_, [=](const auto& known) { return known->lane() == lane && !known->gone(); });
  return found == lanes_.end() ? nullptr : found->get();
}

void DurableChannel::say(layout::JournalState state, int error) noexcept {
  feed_.say(state, error);
  if (state != layout::JournalState::full) return;
  for (const auto& lane : lanes_)
    lane->blame(GapCause::full);
}

}  // namespace millrace
