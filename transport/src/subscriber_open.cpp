// A new subscriber: its reader file, its place in every lane, and only then is it handed out.
#include "lane_set.hpp"
#include "subscriber_stamps.hpp"

namespace millrace::detail {

namespace {

bool valid_subscriber_name(std::string_view name) noexcept {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() < kNameBytes && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Result<void> check(const ChannelState& channel, const SubscriberOptions& options) {
  const char* const called = channel.name.c_str();
  if (!options.name.empty() && !valid_subscriber_name(options.name)) {
    return fail(Errc::bad_argument,
                "\"%.80s\" cannot be a subscriber's name; use 1 to 63 letters, digits, '.', '_' or "
                "'-', not beginning with '.' or '-'",
                options.name.c_str());
  }
  if (options.remember && options.name.empty()) {
    return fail(Errc::bad_argument,
                "channel \"%s\": a place is remembered under a name; give the subscriber one",
                called);
  }
  if (channel.options.durable) return {};
  if (options.remember || options.delivery == Delivery::durable) {
    return fail(Errc::bad_argument,
                "channel \"%s\" is not durable: it has no journal that could %s; create it with "
                "`durable` and a journal",
                called, options.remember ? "remember places" : "say what is durable");
  }
  if (options.from.kind == From::Kind::time) {
    return fail(Errc::bad_argument,
                "channel \"%s\" is not durable: rings know no time; begin at a sequence, with the "
                "oldest or with what comes now",
                called);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<SubscriberState>> open_subscriber(
    const std::shared_ptr<ChannelState>& channel, const SubscriberOptions& options) {
  if (auto sound = check(*channel, options); !sound) return Failure(sound.error());
  auto participant = channel->domain->participant();
  if (!participant) return Failure(participant.error());
  (*participant)->will_need(layout::Repair::reader);
  const bool lossy = options.lossy || channel->options.policy == Policy::lossy;
  const bool fencing = !(*participant)->membarrier_registered();
  const std::uint32_t number =
      channel->domain->readers_made.fetch_add(1, std::memory_order_relaxed);
  const ReaderName name{(*participant)->name(), number};
  std::optional<RememberedPlaces> remembered;
  if (options.remember) {
    auto held = RememberedPlaces::open(*channel, options.name, name.participant);
    if (!held) return Failure(held.error());
    remembered.emplace(std::move(*held));
  }
  auto recorder = StampRecorder::create(*channel, name.participant, layout::StampRole::subscriber,
                                        options.stamps);
  if (!recorder) return Failure(recorder.error());
  auto reader = ReaderFiles::create(*channel, name, lossy, fencing);
  if (!reader) return Failure(reader.error());
  auto state = std::make_unique<SubscriberState>();
  state->filter = options.filter;
  state->in_place = channel->options.policy == Policy::block && !lossy;
  state->fencing = fencing;
  state->incarnation = name.participant.incarnation;
  state->lane_generation = &channel->doorbell().lane_generation;
  state->cursors.reserve(channel->options.lanes_max);
  if (channel->ordered()) {
    state->order = std::make_unique<OrderCursor>();
    state->order->order = channel->order();
    state->order->lane_blocks = channel->options.ring_bytes / layout::kBlockBytes;
    state->order->slot = &reader->slot(channel->options.lanes_max);
    state->attention = true;
  }
  if (!state->in_place) {
    // Whole words are copied, so the last may reach seven bytes further.
    state->copy.resize(message_bytes_max(channel->options.ring_bytes) + kRecordAlign);
  }
  if (*recorder) state->stamps.reset(new SubscriberStamps(std::move(*recorder)));
  state->set.reset(
      new LaneSet(channel, **participant, std::move(*reader), options, std::move(remembered)));
  if (auto joined = state->set->join_all(*state); !joined) return Failure(joined.error());
  if (auto there = channel->check_in_place(); !there) return Failure(there.error());
  return state;
}

}  // namespace millrace::detail
