#include "millrace/transport/channel.hpp"

#include "channel_stats.hpp"
#include "lane_owner.hpp"
#include "lane_set.hpp"

namespace millrace {

namespace {

// Taking part means writing hints into the doorbell; an observer's channel cannot.
Result<void> may_take_part(const detail::ChannelState& channel) {
  if (channel.doorbell_segment->access() == Access::write) return {};
  return fail(Errc::no_permission,
              "channel \"%s\" may be looked at, but this user may not take part in it; its mode is "
              "%o",
              channel.name.c_str(), channel.options.mode);
}

// Of a channel whose features a later version has made, this one may be a reader, not a writer.
Result<void> may_publish(const detail::ChannelState& channel) {
  if (auto may = may_take_part(channel); !may) return may;
  const std::uint64_t unknown = channel.features_write & ~kFeaturesWriteKnown;
  if (unknown == 0) return {};
  return fail(
      Errc::format,
      "channel \"%s\" uses features_write %#llx that this version does not know: it can only "
      "be read here; use a newer version to publish",
      channel.name.c_str(), static_cast<unsigned long long>(unknown));
}

}  // namespace

Result<Publisher> Channel::publisher(const PublisherOptions& options) const {
  if (auto may = may_publish(*state_); !may) return Failure(may.error());
  auto opened = detail::open_publisher(state_, options);
  if (!opened) return Failure(opened.error());
  return Publisher(std::move(*opened));
}

Result<Subscriber> Channel::subscriber(const SubscriberOptions& options) const {
  if (auto may = may_take_part(*state_); !may) return Failure(may.error());
  auto opened = detail::open_subscriber(state_, options);
  if (!opened) return Failure(opened.error());
  return Subscriber(std::move(*opened));
}

const std::string& Channel::name() const noexcept {
  return state_->name;
}

const ChannelOptions& Channel::options() const noexcept {
  return state_->options;
}

Result<ChannelStats> Channel::stats() const {
  return detail::channel_stats(*state_);
}

std::string Channel::schema() const {
  return state_->schema_name;
}

}  // namespace millrace
