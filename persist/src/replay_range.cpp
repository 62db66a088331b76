#include "replay_range.hpp"

#include <algorithm>
#include <cinttypes>
#include <set>

namespace millrace {

namespace {

Result<std::string> choose_channel(const ReplayOptions& options,
                                   const std::vector<JournalLane>& lanes) {
  std::set<std::string> channels;
  std::string names;
  for (const JournalLane& lane : lanes) {
    if (channels.insert(lane.channel_name).second) {
      names += (names.empty() ? "" : ", ") + lane.channel_name;
    }
  }
  if (channels.empty()) {
    return fail(Errc::not_found, "the journal in %s holds no channel yet",
                options.directory.c_str());
  }
  if (options.channel.empty() && channels.size() == 1) return *channels.begin();
  if (options.channel.empty()) {
    return fail(Errc::bad_argument, "the journal in %s holds several channels, name one of: %.200s",
                options.directory.c_str(), names.c_str());
  }
  if (channels.contains(options.channel)) return options.channel;
  return fail(Errc::not_found, "the journal in %s holds no channel \"%s\", but: %.200s",
              options.directory.c_str(), options.channel.c_str(), names.c_str());
}

Result<void> check(const ReplayOptions& options) {
  if (options.from && options.to && *options.to < *options.from) {
    return fail(Errc::bad_argument,
                "a range from message %" PRIu64 " to %" PRIu64 " ends before it begins",
                *options.from, *options.to);
  }
  if (options.from_ns && options.to_ns && *options.to_ns < *options.from_ns) {
    return fail(Errc::bad_argument, "a range of time that ends before it begins");
  }
  if (!(options.speed >= 0)) {
    return fail(Errc::bad_argument, "a speed of %g: 1 is as it was recorded, 0 as fast as possible",
                options.speed);
  }
  return {};
}

}  // namespace

Result<ReplayRange> ReplayRange::choose(const ReplayOptions& options,
                                        const std::vector<JournalLane>& lanes) {
  if (auto fine = check(options); !fine) return Failure(fine.error());
  auto channel = choose_channel(options, lanes);
  if (!channel) return Failure(channel.error());
  ReplayRange range(options, std::move(*channel));
  range.learn(lanes);
  if (range.wanted_ == 0 && !options.follow) {
    return fail(Errc::not_found, "the journal in %s holds no producer \"%s\" of channel \"%s\"",
                options.directory.c_str(), options.producer.c_str(), range.channel_.c_str());
  }
  return range;
}

bool ReplayRange::wanted(const JournalLane& lane) const noexcept {
  return lane.channel_name == channel_ &&
         (options_.producer.empty() || lane.producer == options_.producer);
}

void ReplayRange::learn(const std::vector<JournalLane>& lanes) {
  for (const JournalLane& lane : lanes) {
    if (lane.id < known_.size() && known_[lane.id]) continue;
    const std::size_t size = std::max<std::size_t>(known_.size(), lane.id + std::size_t{1});
    known_.resize(size);
    done_.resize(size);
    producers_.resize(size);
    known_[lane.id] = true;
    if (!wanted(lane)) continue;
    producers_[lane.id] = lane.producer;
    ++wanted_;
    const Sequence gone = std::min(lane.first, options_.to.value_or(lane.first));
    if (options_.from && *options_.from < gone) trimmed_.push_back({lane.producer, gone});
  }
}

void ReplayRange::end_lane(JournalLaneId lane) noexcept {
  if (!done_[lane]) ++ended_;
  done_[lane] = true;
}

// A producer that is not named may still have its first message to come.
bool ReplayRange::over() const noexcept {
  const bool all_ended = wanted_ != 0 && ended_ == wanted_;
  return past_time_ || (all_ended && (!options_.follow || !options_.producer.empty()));
}

ReplayRange::Verdict ReplayRange::judge(const JournaledMessage& message) {
  if (message.lane >= known_.size() || !known_[message.lane]) return Verdict::unknown_lane;
  if (!producers_[message.lane]) return Verdict::pass_over;
  if (options_.to && message.sequence + 1 >= *options_.to) end_lane(message.lane);
  past_time_ = options_.to_ns && message.wall_ns >= *options_.to_ns;
  const bool inside = !past_time_ && (!options_.to || message.sequence < *options_.to) &&
                      (!options_.from || message.sequence >= *options_.from) &&
                      (!options_.from_ns || message.wall_ns >= *options_.from_ns);
  return inside ? Verdict::give : Verdict::pass_over;
}

std::optional<JournalLaneId> ReplayRange::only_lane() const noexcept {
  if (wanted_ != 1) return std::nullopt;
  const auto found =
      std::ranges::find_if(producers_, [](const auto& producer) { return producer.has_value(); });
  return static_cast<JournalLaneId>(found - producers_.begin());
}

Result<void> ReplayRange::tell_trimmed() {
  if (trimmed_.empty()) return {};
  const Trimmed told = std::move(trimmed_.back());
  trimmed_.pop_back();
  const Sequence from = *options_.from;
  const Failure failure = fail(Errc::trimmed,
                               "messages from %" PRIu64 " to %" PRIu64
                               " of \"%s\" are no longer in the journal: its retention has taken "
                               "them",
                               from, told.end - 1, told.producer.c_str());
  return Failure(failure.error().with_lost(told.end - from));
}

}  // namespace millrace
