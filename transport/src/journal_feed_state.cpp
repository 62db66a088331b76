#include "journal_feed_state.hpp"

#include "lane_making.hpp"
#include "low_half.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/heavy_barrier.hpp"
#include "millrace/core/lane_recovery.hpp"

#include <algorithm>
#include <cinttypes>
#include <sys/stat.h>

namespace millrace::detail {

namespace {

// When something could not be read, or a name is in dispute; else, as subscribers do.
constexpr std::uint64_t kLookAgainNs = 10'000'000;
constexpr std::uint64_t kLookEveryNs = 100'000'000;

}  // namespace

JournalFeedState::JournalFeedState(std::shared_ptr<ChannelState> channel, Participant& participant,
                                   JournalWords words, const Uuid& channel_in_log)
    : channel_(std::move(channel)),
      participant_(participant),
      words_(std::move(words)),
      channel_in_log_(channel_in_log),
      remembered_(*channel_),
      stamps_(*channel_, participant.name()) {}

JournalFeedState::~JournalFeedState() {
  if (!guard_.foreign()) words_.leave(participant_.name());
}

JournaledLane* JournalFeedState::find(std::uint32_t lane) noexcept {
  const auto found = std::find_if(lanes_.begin(), lanes_.end(),
                                  [=](const auto& known) { return known->files().lane == lane; });
  return found == lanes_.end() ? nullptr : found->get();
}

Failure JournalFeedState::no_such_lane(std::uint32_t lane) const noexcept {
  return fail(Errc::not_found, "channel \"%s\" has no lane %u that its journal knows",
              channel_->name.c_str(), lane);
}

Result<void> JournalFeedState::add_lane(std::string_view producer, Sequence next) {
  const std::string name(producer);
  const auto number = find_lane_named(*channel_, name);
  if (!number) {
    const bool fencing = !participant_.membarrier_registered();
    auto made = make_lane(*channel_, {.producer = name,
                                      .owner = participant_.name(),
                                      .first = next,
                                      .waiting = true,
                                      .fencing = fencing});
    if (!made) return Failure(made.error());
    MILLRACE_CRASH_POINT("add-lane.made");
    channel_->lanes_changed();
    return {};
  }
  const auto lane = open_lane(*channel_, *number, Access::read);
  if (!lane) return Failure(lane.error());
  const auto newest = Checkpoints<ProductionMemory>::newest(lane->view);
  if (newest && newest->sequence >= next) return {};
  const auto end = newest ? walk_to_frontier<ProductionMemory>(lane->view, *newest, next) : newest;
  if (!end || end->sequence >= next) return {};  // a flood laps our walk: it has enough
  return fail(Errc::poisoned,
              "channel \"%s\", lane %u (\"%s\") ends before message %" PRIu64
              ", but the log goes on to %" PRIu64
              "; remove the channel, and it goes on from the log",
              channel_->name.c_str(), *number, name.c_str(), end->sequence, next);
}

bool JournalFeedState::stale() const noexcept {
  // [sync:lanes] Acquire: the lane that a new generation speaks of can be opened.
  return channel_->doorbell().lane_generation.load(std::memory_order_acquire) != generation_;
}

void JournalFeedState::look_again() noexcept {
  look_again_ns_ = monotonic_ns() + kLookAgainNs;
}

// Only a lane that lost its name to another is ever removed, and it held nothing.
void JournalFeedState::drop_removed() {
  std::erase_if(lanes_, [&](const std::unique_ptr<JournaledLane>& lane) {
    return state_of(lane->files()) == layout::LaneState::retired;
  });
}

Result<JournaledLane*> JournalFeedState::discover(std::uint32_t number) {
  if (find(number) != nullptr) return nullptr;
  auto files = open_lane(*channel_, number, Access::read);
  if (!files && files.error().code() == Errc::not_found) return nullptr;
  if (!files) return Failure(files.error());
  if (files->producer.empty()) return nullptr;
  const auto same_name = [&](const std::unique_ptr<JournaledLane>& lane) {
    return lane->files().producer == files->producer;
  };
  if (std::any_of(lanes_.begin(), lanes_.end(), same_name)) {
    // Two of one name at the same moment: one of them gives way.
    look_again();
    return nullptr;
  }
  lanes_.push_back(std::make_unique<JournaledLane>(*channel_, words_, std::move(*files)));
  return lanes_.back().get();
}

Result<std::vector<FeedLane>> JournalFeedState::new_lanes() {
  std::vector<FeedLane> found;
  const std::uint64_t now = monotonic_ns();
  if (!stale() && now < look_again_ns_) return found;
  look_again_ns_ = now + kLookEveryNs;
  // [sync:lanes] Acquire, as in stale(); read before the directory, so nothing is missed for good.
  generation_ = channel_->doorbell().lane_generation.load(std::memory_order_acquire);
  drop_removed();
  for (const std::uint32_t number : lane_numbers(*channel_)) {
    auto lane = discover(number);
    // What cannot be read now is looked at again; it keeps the others from nothing.
    if (!lane) look_again();
    if (!lane || *lane == nullptr) continue;
    const LaneFiles& files = (*lane)->files();
    found.push_back({files.lane, files.producer, files.epoch, (*lane)->durable()});
  }
  return found;
}

void JournalFeedState::say(layout::JournalState state, int error) noexcept {
  words_.say(state, error);
  for (const auto& lane : lanes_)
    words_.wake(lane->files().lane);
  // [sync:join] Publishers ask again whom they must wait for. The state was stored before it.
  channel_->doorbell().reader_generation.fetch_add(1, std::memory_order_seq_cst);
}

bool JournalFeedState::prepare_to_sleep(std::vector<FutexWait>& waits) noexcept {
  for (const auto& lane : lanes_) {
    if (lane->ready()) lane->announce_sleep();
  }
  MILLRACE_CRASH_POINT("journal.sleep-announced");
  // [sync:sleep] Without it a publisher could see nobody asleep, and we no record.
  if (!participant_.membarrier_registered() || !heavy_barrier()) {
    channel_->doorbell().needs_fence.store(1, std::memory_order_relaxed);
    ProductionMemory::full_fence();
  }
  waits.push_back({low_half(channel_->doorbell().lane_generation),
                   static_cast<std::uint32_t>(generation_.value_or(0))});
  for (const auto& lane : lanes_) {
    if (!lane->ready()) continue;
    if (lane->something()) return false;
    waits.push_back(lane->next_header());
  }
  return !stale();
}

Result<std::vector<JournalFeed::Acknowledged>> JournalFeedState::acknowledged() {
  return remembered_.look(lanes_);
}

}  // namespace millrace::detail
