#include "lane_set.hpp"

#include "alarm.hpp"
#include "counter.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/join.hpp"
#include "own_words.hpp"

#include <algorithm>
#include <cinttypes>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::detail {

LaneSet::LaneSet(std::shared_ptr<ChannelState> channel, Participant& participant,
                 ReaderFiles reader, const SubscriberOptions& options,
                 std::optional<RememberedPlaces> remembered)
    : channel_(std::move(channel)),
      participant_(participant),
      reader_(std::move(reader)),
      from_(options.from),
      wait_(options.wait),
      until_closed_(options.until_closed),
      durable_(channel_->options.durable && options.delivery != Delivery::visible),
      past_(*channel_),
      remembered_(std::move(remembered)) {}

LaneSet::~LaneSet() {
  // In a forked child there is no thread to end.
  if (guard_.foreign()) static_cast<void>(alarm_.release());
}

Result<void> LaneSet::join_all(SubscriberState& state) {
  if (auto looked = look(state, true); !looked) return looked;
  reader_.set_state(layout::ReaderState::active);
  MILLRACE_CRASH_POINT("reader.active");
  // [sync:join] From here on publishers wait for us in lanes that we have not found yet.
  channel_->doorbell().reader_generation.fetch_add(1, std::memory_order_seq_cst);
  auto looked = look(state, true);
  active_ = true;
  if (looked && channel_->ordered()) return begin_in_order(state);
  return looked;
}

SeenLane* LaneSet::find(std::uint32_t lane) noexcept {
  for (const auto& seen : lanes_) {
    if (seen->files.lane == lane) return seen.get();
  }
  return nullptr;
}

Result<void> LaneSet::look(SubscriberState& state, bool again) noexcept {
  if (!again && !stale()) return {};
  if (alarm_ && alarm_->armed()) {
    alarm_->disarm();  // it sleeps on words of lanes that may go now
    alarm_->ring();    // the next poll arms it anew
  }
  // [sync:lanes] Acquire, as in stale(); read before the directory, so nothing is missed for good.
  state.lane_generation_seen = channel_->doorbell().lane_generation.load(std::memory_order_acquire);
  generation_ = state.lane_generation_seen;
  unfollow_ended(state);
  drop_retired();
  for (const std::uint32_t number : lane_numbers(*channel_)) {
    SeenLane* seen = find(number);
    if (seen != nullptr && (seen->followed || (!seen->broken && at_rest(*seen)))) continue;
    if (seen == nullptr || seen->broken) seen = discover(state, number);
    if (seen == nullptr) continue;
    // One publisher's broken lane keeps nobody from the others.
    const auto followed = follow(state, *seen);
    // Who asked for a past that cannot be read is told before it gets a subscriber.
    if (!followed && !active_ && !seen->broken) return followed;
    if (!followed) report(state, followed.error());
  }
  state.attention = needs_care(state);
  return {};
}

void LaneSet::drop_retired() noexcept {
  gone_ += std::erase_if(lanes_, [](const std::unique_ptr<SeenLane>& seen) {
    // [sync:lane-state] Acquire: what the lane held before it ended has been read, it has no
    // cursor.
    return !seen->followed && seen->files.control().state.load(std::memory_order_acquire) ==
                                  static_cast<std::uint32_t>(layout::LaneState::retired);
  });
}

// Opens a lane that we do not know, or a later file of the number of one that was broken. Null:
// there is nothing to read.
SeenLane* LaneSet::discover(SubscriberState& state, std::uint32_t lane) noexcept {
  struct stat status {};

  if (fstatat(channel_->directory.get(), lane_name(lane).c_str(), &status, 0) != 0) return nullptr;
  const auto is_it = [&](const Refused& known) {
    return known.lane == lane && known.inode == status.st_ino;
  };
  if (std::any_of(refused_.begin(), refused_.end(), is_it)) return nullptr;
  if (const SeenLane* const known = find(lane)) {
    if (known->inode == status.st_ino) return nullptr;
    std::erase_if(lanes_,
                  [=](const std::unique_ptr<SeenLane>& seen) { return seen.get() == known; });
  }
  auto files = open_lane(*channel_, lane, Access::read);
  if (!files) {
    const Errc code = files.error().code();
    if (code == Errc::not_found) return nullptr;  // it has just gone
    if (code == Errc::system || code == Errc::no_space || code == Errc::too_many) {
      generation_.reset();  // our own lack of something: look again
    } else {
      std::erase_if(refused_, [=](const Refused& known) { return known.lane == lane; });
      refused_.push_back({lane, status.st_ino});
      report(state, files.error());
    }
    return nullptr;
  }
  lanes_.push_back(std::make_unique<SeenLane>(SeenLane{.files = std::move(*files)}));
  lanes_.back()->inode = status.st_ino;
  return lanes_.back().get();
}

void LaneSet::report(SubscriberState& state, const Error& error) {
  news_.push_back(error);
  state.attention = true;
}

// Its publisher has said good-bye.
bool LaneSet::left(const SeenLane& seen) noexcept {
  // [sync:lane-state] Acquire, as in unfollow_ended.
  return seen.files.control().state.load(std::memory_order_acquire) !=
         static_cast<std::uint32_t>(layout::LaneState::live);
}

// Read to its end, and nobody has continued it since: who came and left between two of our looks
// has another life.
bool LaneSet::at_rest(const SeenLane& seen) noexcept {
  return left(seen) && value(seen.files.control().life) == seen.read_life;
}

Failure LaneSet::tell_news(SubscriberState& state) noexcept {
  if (!news_.empty()) {
    const Failure first(news_.front());
    news_.erase(news_.begin());
    state.attention = needs_care(state);
    return first;
  }
  const Failure failure = fail(Errc::overrun,
                               "channel \"%s\": %" PRIu64
                               " messages were overwritten before this reader had its place, and "
                               "are lost",
                               channel_->name.c_str(), missed_);
  const std::uint64_t lost = std::exchange(missed_, 0);
  state.attention = needs_care(state);
  return Failure(failure.error().with_lost(lost));
}

// Stops polling lanes whose publisher has said good-bye and that are read to the end. They stay
// known: a publisher of the same name may continue them.
void LaneSet::unfollow_ended(SubscriberState& state) noexcept {
  std::erase_if(state.cursors, [&](const LaneCursor& cursor) {
    SeenLane* const seen = find(cursor.lane);
    // [sync:lane-state] Acquire: the life is looked at before the state, so that it is not that of
    // an owner who comes after this end.
    const std::uint64_t life = seen->files.control().life.load(std::memory_order_acquire);
    // [sync:lane-state] Acquire: the records before the end are seen by the look at the header.
    const auto now = seen->files.control().state.load(std::memory_order_acquire);
    if (now == static_cast<std::uint32_t>(layout::LaneState::live)) return false;
    const bool retired = now == static_cast<std::uint32_t>(layout::LaneState::retired);
    // A new lane of its number is in the order already; the words of this one are behind us, or
    // lost.
    if (channel_->ordered() && retired) {
      store_counters(cursor);
      seen->followed = false;
      return true;
    }
    // [sync:record] Acquire, as in LaneReader::poll.
    const Position at = cursor.reader.position();
    if (seen->files.view.header(at).load(std::memory_order_acquire) != 0) return false;
    // A message of it is still held; our place must say the end before the lane is left.
    if (cursor.published != at) return false;
    seen->followed = false;
    seen->read_life = life;
    return true;
  });
  state.current = 0;
  state.left_in_turn = SubscriberState::kTurn;
}

bool LaneSet::was_evicted(SeenLane& seen) const noexcept {
  const layout::LaneControl& control = seen.files.control();
  // [sync:evicted] Without this fence the list could be read before the limit that overtook us: we
  // would be told of an overrun, and not that we were given up on.
  ProductionMemory::acquire_fence();
  // [sync:evicted] Acquire: the entries below the count are complete.
  const std::uint64_t count = control.evicted_count.load(std::memory_order_acquire);
  const std::uint64_t first =
      std::max(seen.evictions_seen, count > kEvictedSlots ? count - kEvictedSlots : 0);
  const ReaderName& me = reader_.name();
  bool found = false;
  for (std::uint64_t i = first; i < count && !found; ++i) {
    found = me.is_in(control.evicted[i % kEvictedSlots]);
  }
  seen.evictions_seen = count;
  return found;
}

Failure LaneSet::lapped(SubscriberState& state, LaneCursor& cursor) noexcept {
  SeenLane* const seen = find(cursor.lane);
  // A lane remembers only the last readers it gave up on; but where readers are evicted, one that
  // is waited for is lapped for no other reason.
  const bool waited_for = channel_->options.policy == Policy::evict && !reader_.lossy();
  const bool evicted = was_evicted(*seen) || waited_for;
  const Position before = cursor.reader.start();
  const Sequence next = cursor.reader.sequence();
  const bool in_hand = cursor.reader.position() != before;
  if (evicted || !reader_.lossy()) {
    // Whoever must be waited for takes its place with the handshake. Without it a publisher that
    // has missed us once (somebody set the generation back) would never look for us again. The
    // place is never before the next message: the ring may still hold some that were handed out.
    OwnWords own(*channel_, *cursor.slot, seen->files.epoch);
    const auto place =
        Join<ProductionMemory, OwnWords>::take_place(seen->files.view, From::at(next), own);
    if (!place || place->sequence < next) return broken(state, cursor);
    cursor.reader.jump(*place);
    cursor.stands_at(place->position);
  } else {
    // Who is put to sleep in the middle of it may find the table of checkpoints turned over.
    for (int i = 0; i < kResynchronisations && cursor.reader.position() == before; ++i)
      cursor.reader.resynchronise();
  }
  const std::uint64_t lost = cursor.reader.sequence() - next;
  cursor.stuck = cursor.reader.start() == before ? cursor.stuck + 1 : 0;
  if (cursor.stuck > kStuckMax) return broken(state, cursor);
  add(cursor.slot->lost, lost);
  add(evicted ? reader_.file().evictions : reader_.file().overruns);
  const Failure failure =
      fail(evicted ? Errc::evicted : Errc::overrun,
           "channel \"%s\", lane %u: %s, %" PRIu64
           " messages are lost%s; read faster or create the channel with a larger ring",
           channel_->name.c_str(), cursor.lane,
           evicted ? "the publisher gave up on this reader" : "the publisher overtook this reader",
           lost, in_hand ? ", and those since the last release may be torn" : "");
  return Failure(failure.error().with_lost(lost));
}

Failure LaneSet::broken(SubscriberState& state, LaneCursor& cursor) noexcept {
  const std::uint32_t lane = cursor.lane;
  SeenLane* const seen = find(lane);
  seen->broken = true;
  seen->followed = false;
  stand_aside(*cursor.slot, seen->files.epoch, Aside::done);
  const bool cut_off = cursor.poisoned->load(std::memory_order_relaxed) != 0;
  const std::uint64_t sequence = cursor.reader.sequence();
  const auto word =
      seen->files.view.header(cursor.reader.position()).load(std::memory_order_relaxed);
  const bool later =
      !cut_off && layout::of_a_later_version(layout::RecordHeader::of(word), sequence);
  store_counters(cursor);
  std::erase_if(state.cursors, [=](const LaneCursor& other) { return other.lane == lane; });
  state.current = 0;
  const PeerName owner = peer_name(channel_->domain->directory.fd(),
                                   {seen->files.control().owner_id.load(std::memory_order_relaxed),
                                    value(seen->files.control().owner_incarnation)});
  const char* const what = later     ? "a record that only a later version of Millrace understands"
                           : cut_off ? "the file was cut short"
                                     : "bytes that no publisher writes";
  return fail(later ? Errc::format : Errc::poisoned,
              "channel \"%s\", lane %u: %s after message %" PRIu64
              "; its publisher is %s; this lane "
              "is not read any further",
              channel_->name.c_str(), lane, what, sequence, describe_peer(owner).data());
}

void LaneSet::leave(const SubscriberState& state) noexcept {
  alarm_.reset();
  for (const LaneCursor& cursor : state.cursors)
    store_counters(cursor);
  reader_.set_state(layout::ReaderState::left);
  MILLRACE_CRASH_POINT("leave.said");
  for (const auto& seen : lanes_) {
    // A publisher that is about to sleep until this word moves must see it move. Nobody waits for
    // an odd position, and the file is going.
    layout::Word& position = reader_.slot(seen->files.lane).position;
    // [sync:space] Release, as every store of a position.
    position.store(value(position) | 1, std::memory_order_release);
  }
  unlinkat(channel_->readers.get(), to_string(reader_.name()).c_str(), 0);
  MILLRACE_CRASH_POINT("leave.unlinked");
  // [sync:join] Publishers drop us at their next look; one that sleeps on us is woken.
  channel_->doorbell().reader_generation.fetch_add(1, std::memory_order_seq_cst);
  for (const auto& seen : lanes_) {
    if (value(seen->files.control().blocked_reader) == reader_.name().participant.incarnation) {
      futex_wake(low_half(reader_.slot(seen->files.lane).position), INT32_MAX);
    }
  }
}

ReaderStats LaneSet::stats(const SubscriberState& state) const {
  for (const LaneCursor& cursor : state.cursors)
    store_counters(cursor);
  ReaderStats sum;
  for (std::uint32_t lane = 0; lane < places(channel_->options); ++lane) {
    const layout::ReaderSlot& slot = reader_.slot(lane);
    sum.received += value(slot.received);
    sum.lost += value(slot.lost);
    sum.skipped += value(slot.skipped);
    sum.unknown += value(slot.unknown);
  }
  sum.overruns = value(reader_.file().overruns);
  sum.evictions = value(reader_.file().evictions);
  sum.parks = value(reader_.file().parks);
  sum.caught_up = value(reader_.file().caught_up);
  sum.rewinds = value(reader_.file().rewinds);
  return sum;
}

}  // namespace millrace::detail
