#include "millrace/transport/journal_feed.hpp"

#include "counter.hpp"
#include "journal_feed_state.hpp"
#include "lane_making.hpp"
#include "millrace/core/clock.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

using detail::JournalFeedState;

Result<FeedWitness> JournalFeed::witness(const Domain& domain, std::string_view name) {
  const auto channel = detail::ChannelState::open(domain.state_, name, Access::read);
  if (!channel) return Failure(channel.error());
  const detail::ChannelState& it = **channel;
  if (!it.options.durable) {
    return fail(Errc::bad_argument, "channel \"%s\" is not durable: it has no journal to witness",
                it.name.c_str());
  }
  FeedWitness seen;
  if (it.journal.file().attaches.load(std::memory_order_relaxed) == 0) return seen;
  std::memcpy(seen.log.data(), it.journal.file().log_uuid, seen.log.size());
  // [sync:journal-identity] As in identify().
  ProductionMemory::acquire_fence();
  seen.channel = it.journal.channel_in_log();
  for (const std::uint32_t number : detail::lane_numbers(it)) {
    const auto lane = detail::open_lane(it, number, Access::read);
    if (!lane || lane->producer.empty()) continue;
    const auto point = it.journal.durable(number, lane->epoch);
    if (point) seen.lanes.push_back({lane->producer, lane->epoch, point->sequence});
  }
  return seen;
}

Result<JournalFeed> JournalFeed::attach(const Domain& domain, std::string_view channel,
                                        const std::string& journal_directory, const Uuid& log,
                                        std::uint64_t epoch, const Uuid& channel_in_log) {
  auto opened = detail::ChannelState::open(domain.state_, channel, Access::write);
  if (!opened) return Failure(opened.error());
  auto state =
      detail::attach_journal(std::move(*opened), journal_directory, log, epoch, channel_in_log);
  if (!state) return Failure(state.error());
  return JournalFeed(std::move(*state));
}

JournalFeed::JournalFeed(std::unique_ptr<JournalFeedState> state) noexcept
    : state_(std::move(state)) {}

JournalFeed::JournalFeed(JournalFeed&&) noexcept = default;
JournalFeed& JournalFeed::operator=(JournalFeed&&) noexcept = default;
JournalFeed::~JournalFeed() = default;

const std::string& JournalFeed::channel() const noexcept {
  return state_->channel().name;
}

const Uuid& JournalFeed::channel_in_log() const noexcept {
  return state_->channel_in_log();
}

Result<void> JournalFeed::add_lane(std::string_view producer, Sequence next) {
  return state_->add_lane(producer, next);
}

void JournalFeed::open_to_publishers() noexcept {
  state_->say(layout::JournalState::ok, 0);
}

Result<std::vector<FeedLane>> JournalFeed::new_lanes() {
  return state_->new_lanes();
}

Result<void> JournalFeed::resume(std::uint32_t lane, Sequence next) {
  detail::JournaledLane* const known = state_->find(lane);
  return known == nullptr ? state_->no_such_lane(lane) : known->resume(next);
}

Result<FeedRun> JournalFeed::copy(std::uint32_t lane, std::span<std::byte> room) noexcept {
  detail::JournaledLane* const known = state_->find(lane);
  if (known == nullptr) return state_->no_such_lane(lane);
  return known->copy(room);
}

Result<std::size_t> JournalFeed::copy_part(std::uint32_t lane, std::uint64_t offset,
                                           std::uint64_t whole,
                                           std::span<std::byte> room) noexcept {
  detail::JournaledLane* const known = state_->find(lane);
  if (known == nullptr) return state_->no_such_lane(lane);
  return known->copy_part(offset, whole, room);
}

Checkpoint JournalFeed::copied(std::uint32_t lane) const noexcept {
  const detail::JournaledLane* const known = state_->find(lane);
  return known == nullptr ? Checkpoint{} : known->copied();
}

void JournalFeed::durable(std::uint32_t lane, Checkpoint point) noexcept {
  if (detail::JournaledLane* const known = state_->find(lane)) known->show(point);
}

void JournalFeed::count_gap(std::uint32_t lane, std::uint64_t messages) noexcept {
  if (detail::JournaledLane* const known = state_->find(lane)) known->count_gap(messages);
}

void JournalFeed::stamp_appended(std::uint32_t lane, Sequence first, std::uint64_t count) noexcept {
  const detail::JournaledLane* const known = state_->find(lane);
  if (known != nullptr) state_->stamps().appended(lane, known->files().epoch, first, count);
}

void JournalFeed::stamp_submitted(std::uint64_t item) {
  state_->stamps().submitted(item);
}

void JournalFeed::stamp_reached(std::uint64_t written, std::uint64_t durable) noexcept {
  state_->stamps().reached(written, durable);
}

const std::string& JournalFeed::stamps_refused() const noexcept {
  return state_->stamps().refused();
}

void JournalFeed::refuse(std::uint32_t lane) noexcept {
  detail::JournaledLane* const known = state_->find(lane);
  if (known == nullptr) return;
  known->stop();
  state_->words().refuse(lane);
}

void JournalFeed::say(layout::JournalState state, int error) noexcept {
  state_->say(state, error);
}

void JournalFeed::beat(std::uint64_t bytes_written) noexcept {
  layout::ChannelJournalFile& words = state_->words().file();
  words.beat.store(monotonic_ns(), std::memory_order_relaxed);
  words.bytes.store(bytes_written, std::memory_order_relaxed);
}

bool JournalFeed::pending() noexcept {
  return std::ranges::any_of(state_->lanes(), [](const auto& lane) { return lane->something(); });
}

Result<std::vector<JournalFeed::Acknowledged>> JournalFeed::acknowledged() {
  return state_->acknowledged();
}

bool JournalFeed::prepare_to_sleep(std::vector<FutexWait>& waits) noexcept {
  return state_->prepare_to_sleep(waits);
}

}  // namespace millrace
