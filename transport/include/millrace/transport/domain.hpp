// A domain is a directory of channels, shared by the processes of one host. Opening it costs no
// server and no registration: the first publisher or subscriber made from a Domain enters it as a
// participant.
//
//   auto domain = Domain::open();                       // $MILLRACE_DIR, or this user's own
//   auto channel = domain->channel("quotes");           // opened, or created with the defaults
//
// Thread rules: a Domain and its Channels may be used by any thread; publishers and subscribers by
// one thread at a time.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/core/result.hpp"
#include "millrace/transport/channel.hpp"
#include "millrace/transport/clean.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

class JournalFeed;

struct DomainOptions {
  std::string path{};         // empty: $MILLRACE_DIR, else a directory of this user
  std::string participant{};  // what others see in `millrace stat`; empty: the program's name
  bool create = true;         // make the directory if it is missing

  // Another user whose domain is trusted, beside this user and root (a uid).
  static constexpr std::uint32_t kNobodyElse = 0xffff'ffff;
  std::uint32_t trusted_uid = kNobodyElse;
};

class Domain {
 public:
  // Errors: not_found, no_permission (owner or mode are not safe: the sentence says which),
  // bad_argument.
  [[nodiscard]] static Result<Domain> open(const DomainOptions& options = {});

  // Opens the channel, or creates it. An option that was set to something else than its default and
  // contradicts an existing channel is refused (bad_argument).
  // Names: 1 to 48 of A-Z a-z 0-9 . _ -, not beginning with a dot or a dash.
  [[nodiscard]] Result<Channel> channel(std::string_view name, const ChannelOptions& options = {});

  // Only creates; Errc::exists if it is there.
  [[nodiscard]] Result<Channel> create(std::string_view name, const ChannelOptions& options = {});

  // Only opens; Errc::not_found if it is not there.
  [[nodiscard]] Result<Channel> find(std::string_view name) const;

  // The same for messages that are values of T, a trivially copyable type (typed.hpp). The type's
  // fingerprint is part of the channel: another type is refused (Errc::schema).
  template <class T>
  [[nodiscard]] Result<TypedChannel<T>> channel(std::string_view name,
                                                const ChannelOptions& options = {}) {
    auto opened = channel(name, options, schema_of<T>());
    if (!opened) return Failure(opened.error());
    return TypedChannel<T>(std::move(*opened));
  }

  // Names of all channels, sorted.
  [[nodiscard]] Result<std::vector<std::string>> channels() const;

  // Removes a channel with every message in it. Errc::busy while a living process publishes or
  // subscribes, not_found, no_permission.
  Result<void> remove(std::string_view name);

  // Removes what is proven dead: participants, readers, drained lanes, unfinished channels, and
  // channels that nobody uses if `channels_too`. Never anything that a living process owns.
  [[nodiscard]] Result<CleanReport> clean(const CleanOptions& options = {});

  // What stamps are taken with: one calibration for every process of the domain.
  [[nodiscard]] Result<Clock> clock() const;

  // Where this domain lies.
  [[nodiscard]] const std::string& path() const noexcept;

 private:
  friend class JournalFeed;
  friend Result<void> detach_journal(const Domain& domain, std::string_view channel);

  explicit Domain(std::shared_ptr<detail::DomainState> state) noexcept : state_(std::move(state)) {}

  [[nodiscard]] Result<Channel> channel(std::string_view name, const ChannelOptions& options,
                                        const Schema& schema);
  [[nodiscard]] Result<Channel> create(std::string_view name, const ChannelOptions& options,
                                       const Schema& schema);

  std::shared_ptr<detail::DomainState> state_;
};

}  // namespace millrace
