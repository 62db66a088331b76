#include "channel_argument.hpp"

#include "channel_sample.hpp"
#include "millrace/core/domain_directory.hpp"
#include "millrace/core/headroom.hpp"
#include "size_argument.hpp"

#include <CLI/Error.hpp>
#include <algorithm>
#include <bit>
#include <map>

namespace millrace::tools {
namespace {

constexpr std::size_t kChannelNameBytes = 48;

bool may_be_in_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool is_channel_name(const std::string& name) {
  return !name.empty() && name.size() <= kChannelNameBytes && name.front() != '.' &&
         name.front() != '-' && std::all_of(name.begin(), name.end(), may_be_in_a_name);
}

// One option out of a few words.
template <class Value>
void add_choice(CLI::App& verb, const char* option, const char* help, Value& value,
                const std::map<std::string, Value>& choices) {
  const auto take = [option, choices, &value](const std::string& text) {
    const auto found = choices.find(text);
    if (found != choices.end()) {
      value = found->second;
      return;
    }
    std::string words;
    for (const auto& [word, unused] : choices)
      words += (words.empty() ? "" : ", ") + word;
    throw CLI::ValidationError(option, "\"" + text + "\" is not one of " + words);
  };
  verb.add_option_function<std::string>(option, take, help)->type_name("WORD");
}

}  // namespace

void check_channel_name(const std::string& name) {
  if (is_channel_name(name)) return;
  throw CLI::ValidationError(
      "CHANNEL", "\"" + name +
                     "\" is no channel name; take 1 to 48 of A-Z a-z 0-9 . _ -, not beginning "
                     "with a dot or a dash");
}

CLI::Option* add_channel_name(CLI::App& verb, std::string& name) {
  const auto take = [&name](const std::string& text) {
    check_channel_name(text);
    name = text;
  };
  return verb.add_option_function<std::string>("CHANNEL", take, "Name of the channel")
      ->required()
      ->type_name("");
}

void add_ring_option(CLI::App& verb, std::uint64_t& ring_bytes) {
  const auto take = [&ring_bytes](const std::string& text) {
    const auto parsed = parse_size(text);
    if (!parsed) throw CLI::ValidationError("--ring", std::string(parsed.error().sentence()));
    if (!std::has_single_bit(*parsed) || *parsed < kRingBytesMin || *parsed > kRingBytesMax) {
      throw CLI::ValidationError("--ring", "a ring of " + text +
                                               " is not possible; take a power of two from 4K to "
                                               "32G");
    }
    ring_bytes = *parsed;
  };
  verb.add_option_function<std::string>(
          "--ring", take, "Bytes of a publisher's ring, if the channel is made now (1M)")
      ->type_name("BYTES");
}

void add_policy_option(CLI::App& verb, Policy& policy) {
  add_choice<Policy>(
      verb, "--policy",
      "What a full ring does with slow readers, if the channel is made now: block, "
      "evict or lossy (block)",
      policy, {{"block", Policy::block}, {"evict", Policy::evict}, {"lossy", Policy::lossy}});
}

void add_order_option(CLI::App& verb, Order& order) {
  add_choice<Order>(verb, "--order",
                    "What comes before what, if the channel is made now: lane (each publisher's "
                    "own order) or total (one for all) (lane)",
                    order, {{"lane", Order::lane}, {"total", Order::total}});
}

void add_stamps_option(CLI::App& verb, Stamps& stamps) {
  add_choice<Stamps>(verb, "--stamps",
                     "Which messages are stamped on their way for `millrace trace`, if the channel "
                     "is made now: off, sampled (one in 1024) or all",
                     stamps,
                     {{"off", Stamps::off}, {"sampled", Stamps::sampled}, {"all", Stamps::all}});
}

void add_wait_option(CLI::App& verb, Wait& wait) {
  add_choice<Wait>(verb, "--wait", "How to wait: spin, yield, park or automatic (automatic)", wait,
                   {{"spin", Wait::spin},
                    {"yield", Wait::yield},
                    {"park", Wait::park},
                    {"automatic", Wait::automatic}});
}

Result<std::uint64_t> ring_bytes_of(const DomainArgument& domain, const ChannelArgument& argument) {
  const auto seen = observe(domain);
  if (!seen && seen.error().code() == Errc::not_found) return argument.options.ring_bytes;
  if (!seen) return Failure(seen.error());
  const auto channel = seen->find(argument.name);
  if (channel) return channel->options().ring_bytes;
  if (channel.error().code() == Errc::not_found) return argument.options.ring_bytes;
  return Failure(channel.error());
}

Result<OpenedChannel> open_or_make(Domain& domain, const ChannelArgument& argument) {
  if (const auto there = domain.find(argument.name);
      !there && there.error().code() == Errc::not_found) {
    // The ring itself is allocated with the publisher; a channel whose ring cannot be allocated
    // would only stand in the way of a smaller one.
    const auto directory = DomainDirectory::open(domain.path(), false);
    if (!directory) return Failure(directory.error());
    const auto room =
        check_headroom(directory->fd(), argument.options.ring_bytes, argument.options.placement);
    if (!room) return Failure(room.error());
    auto made = domain.create(argument.name, argument.options);
    if (made) return OpenedChannel{std::move(*made), true};
    if (made.error().code() != Errc::exists) return Failure(made.error());
  }
  auto opened = domain.channel(argument.name, argument.options);
  if (!opened) return Failure(opened.error());
  return OpenedChannel{std::move(*opened), false};
}

void take_away(Domain& domain, const Channel& channel) {
  const auto stats = channel.stats();
  if (!stats || messages_published(*stats) != 0) return;
  // Refused if somebody has begun to use it: then it is theirs.
  static_cast<void>(domain.remove(channel.name()));
}

}  // namespace millrace::tools
