// A new subscriber: its reader file, its place in every lane, and only then is it handed out.
#include "lane_set.hpp"

namespace millrace::detail {

Result<std::unique_ptr<SubscriberState>> open_subscriber(
    const std::shared_ptr<ChannelState>& channel, const SubscriberOptions& options) {
  auto participant = channel->domain->participant();
  if (!participant) return Failure(participant.error());
  (*participant)->will_need(layout::Repair::reader);
  const bool lossy = options.lossy || channel->options.policy == Policy::lossy;
  const bool fencing = !(*participant)->membarrier_registered();
  const std::uint32_t number =
      channel->domain->readers_made.fetch_add(1, std::memory_order_relaxed);
  const ReaderName name{(*participant)->name(), number};
  auto reader = ReaderFiles::create(*channel, name, lossy, fencing);
  if (!reader) return Failure(reader.error());
  auto state = std::make_unique<SubscriberState>();
  state->filter = options.filter;
  state->in_place = channel->options.policy == Policy::block && !lossy;
  state->fencing = fencing;
  state->incarnation = name.participant.incarnation;
  state->lane_generation = &channel->doorbell().lane_generation;
  state->cursors.reserve(channel->options.lanes_max);
  if (!state->in_place) {
    // Whole words are copied, so the last may reach seven bytes further.
    state->copy.resize(message_bytes_max(channel->options.ring_bytes) + kRecordAlign);
  }
  state->set.reset(new LaneSet(channel, **participant, std::move(*reader), options));
  if (auto joined = state->set->join_all(*state); !joined) return Failure(joined.error());
  if (auto there = channel->check_in_place(); !there) return Failure(there.error());
  return state;
}

}  // namespace millrace::detail
