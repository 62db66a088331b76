#include "record_channels.hpp"

#include <utility>

namespace millrace::tools {

Result<RecordChannels> RecordChannels::open(Domain& domain, const std::vector<std::string>& names,
                                            bool make, const ChannelOptions& options) {
  RecordChannels opened(domain);
  for (const std::string& name : names) {
    auto channel = domain.find(name);
    if (!channel && channel.error().code() == Errc::not_found && make) {
      channel = domain.create(name, options);
      if (channel) opened.made_.push_back(name);
    }
    if (!channel && channel.error().code() == Errc::not_found) {
      return fail(
          Errc::not_found,
          "there is no channel %s in %s; --durable makes it as a durable one, `millrace pub "
          "%s` as a plain one",
          name.c_str(), domain.path().c_str(), name.c_str());
    }
    if (!channel) return Failure(channel.error());
    if (!channel->options().durable) {
      if (make) {
        return fail(Errc::exists,
                    "channel %s is there and not durable, which is settled when a channel is made; "
                    "record it without --durable, or remove it first (millrace clean --channels)",
                    name.c_str());
      }
      opened.plain_.push_back(name);
    }
  }
  return opened;
}

RecordChannels::RecordChannels(RecordChannels&& other) noexcept
    : domain_(other.domain_),
      made_(std::exchange(other.made_, {})),
      plain_(std::move(other.plain_)) {}

RecordChannels::~RecordChannels() {
  // Refused if somebody has begun to use it: then it is theirs.
  for (const std::string& name : made_)
    static_cast<void>(domain_->remove(name));
}

}  // namespace millrace::tools
