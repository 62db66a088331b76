// The channel that `pub` publishes to: what may be said about it on the command line, and how it is
// opened or made so that a refusal leaves nothing behind.
#pragma once

#include "domain_argument.hpp"
#include "millrace/transport/channel.hpp"
#include "millrace/transport/domain.hpp"
#include "millrace/transport/options.hpp"

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

namespace millrace::tools {

struct ChannelArgument {
  std::string name;
  ChannelOptions options;
};

// CHANNEL, checked: 1 to 48 of A-Z a-z 0-9 . _ -, not beginning with a dot or a dash.
CLI::Option* add_channel_name(CLI::App& verb, std::string& name);

// Throws CLI::ValidationError, with what a name may be, if `name` is none.
void check_channel_name(const std::string& name);

// --ring and --policy, checked.
void add_ring_option(CLI::App& verb, std::uint64_t& ring_bytes);
void add_policy_option(CLI::App& verb, Policy& policy);

// --order lane|total.
void add_order_option(CLI::App& verb, Order& order);

// --stamps off|sampled|all.
void add_stamps_option(CLI::App& verb, Stamps& stamps);

// --wait spin|yield|park|automatic.
void add_wait_option(CLI::App& verb, Wait& wait);

// A channel, and whether this call made it.
struct OpenedChannel {
  Channel channel;
  bool made = false;
};

// The ring that a publisher will find: that of the channel if there is one, else what was asked
// for. Makes nothing. Errors: those of Domain::open and find, except not_found.
[[nodiscard]] Result<std::uint64_t> ring_bytes_of(const DomainArgument& domain,
                                                  const ChannelArgument& argument);

// Opens the channel, or makes it if memory has room for one ring of it.
[[nodiscard]] Result<OpenedChannel> open_or_make(Domain& domain, const ChannelArgument& argument);

// Takes away a channel that was made in vain, unless somebody has begun to use it meanwhile.
// REQUIRES: this process made it, and has no publisher or subscriber in it.
void take_away(Domain& domain, const Channel& channel);

}  // namespace millrace::tools
