// Taking the journal's role in a channel, giving it up, and having it taken away.
#include "journal_feed_state.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/liveness.hpp"
#include "millrace/transport/detach_journal.hpp"

#include <cstring>
#include <sys/stat.h>

namespace millrace {

namespace detail {

namespace {

Result<void> check_durable(const ChannelState& channel) {
  if (channel.options.durable) return {};
  return fail(Errc::bad_argument,
              "channel \"%s\" is not durable; a recorder may read it like any subscriber",
              channel.name.c_str());
}

// Two paths may lead to one directory.
bool same_directory(const std::string& one, const std::string& other) {
  if (journal_directory(one) == other) return true;

  struct stat first {};

  struct stat second {};

  return stat(one.c_str(), &first) == 0 && stat(other.c_str(), &second) == 0 &&
         first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

Result<void> check_directory(const ChannelState& channel, const std::string& directory) {
  if (same_directory(directory, channel.options.journal)) return {};
  return fail(Errc::bad_argument,
              "channel \"%s\" is durable in the journal \"%.120s\", not in \"%.120s\"",
              channel.name.c_str(), channel.options.journal.c_str(), directory.c_str());
}

// Refuses while a living persister other than ourselves is attached.
Result<void> check_vacant(const ChannelState& channel, std::uint64_t own) {
  const ParticipantName holder = channel.journal.persister();
  const int domain = channel.domain->directory.fd();
  if (holder.incarnation == 0 || holder.incarnation == own) return {};
  if (probe(domain, holder).life == Life::dead) return {};
  return fail(Errc::busy, "channel \"%s\" is journaled by %s; end that process first",
              channel.name.c_str(), describe_peer(peer_name(domain, holder)).data());
}

bool something_durable(const ChannelState& channel) {
  for (std::uint32_t lane = 0; lane < channel.options.lanes_max; ++lane) {
    const std::uint64_t epoch =
        channel.journal.slot(lane).lane_epoch.load(std::memory_order_relaxed);
    const auto point = channel.journal.durable(lane, epoch);
    if (epoch != 0 && point && point->sequence != 0) return true;
  }
  return false;
}

// Which identity the channel has in this log. What is durable in one log cannot go on in another.
Result<Uuid> identify(const ChannelState& channel, const Uuid& log, const Uuid& given) {
  const layout::ChannelJournalFile& words = channel.journal.file();
  const bool same = std::memcmp(words.log_uuid, log.data(), log.size()) == 0;
  const Uuid none{};
  const bool ever = std::memcmp(words.log_uuid, none.data(), none.size()) != 0;
  if (ever && !same && something_durable(channel)) {
    return fail(Errc::bad_argument,
                "channel \"%s\" is durable in another log than the one in %.160s: put that one "
                "back, or take it away with `millrace journal detach %s`",
                channel.name.c_str(), channel.options.journal.c_str(), channel.name.c_str());
  }
  // [sync:journal-identity] Without this fence an older identity could be taken for the one in this
  // log.
  ProductionMemory::acquire_fence();
  const Uuid known = channel.journal.channel_in_log();
  if (!ever || !same || known == none) return given == none ? channel.uuid : given;
  if (given == none || given == known) return known;
  return fail(Errc::bad_argument,
              "channel \"%s\" has another identity in the log than in shared memory; remove the "
              "channel, and it goes on from the log",
              channel.name.c_str());
}

}  // namespace

Result<std::unique_ptr<JournalFeedState>> attach_journal(std::shared_ptr<ChannelState> channel,
                                                         const std::string& journal_directory,
                                                         const Uuid& log, std::uint64_t epoch,
                                                         const Uuid& channel_in_log) {
  if (auto durable = check_durable(*channel); !durable) return Failure(durable.error());
  if (auto here = check_directory(*channel, journal_directory); !here) {
    return Failure(here.error());
  }
  auto participant = channel->domain->participant();
  if (!participant) return Failure(participant.error());
  (*participant)->will_need(layout::Repair::lane);
  const ParticipantName me = (*participant)->name();
  if (auto vacant = check_vacant(*channel, me.incarnation); !vacant) {
    return Failure(vacant.error());
  }
  const auto identity = identify(*channel, log, channel_in_log);
  if (!identity) return Failure(identity.error());
  auto words = JournalWords::open(*channel);
  if (!words) return Failure(words.error());
  words->take(me, log, *identity, epoch);
  if (auto there = channel->check_in_place(); !there) {
    words->leave(me);
    return Failure(there.error());
  }
  return std::make_unique<JournalFeedState>(std::move(channel), **participant, std::move(*words),
                                            *identity);
}

}  // namespace detail

Result<void> detach_journal(const Domain& domain, std::string_view name) {
  auto channel = detail::ChannelState::open(domain.state_, name, Access::write);
  if (!channel) return Failure(channel.error());
  if (auto durable = detail::check_durable(**channel); !durable) return durable;
  const layout::JournalState state = (*channel)->journal.state();
  if (state == layout::JournalState::absent) {
    return fail(Errc::bad_argument, "channel \"%s\" has no journal yet that could be detached",
                (*channel)->name.c_str());
  }
  if (auto vacant = detail::check_vacant(**channel, 0); !vacant) return vacant;
  auto words = detail::JournalWords::open(**channel);
  if (!words) return Failure(words.error());
  // First the count, so that who comes after us knows of it even if we die in between.
  words->file().detaches.fetch_add(1, std::memory_order_relaxed);
  MILLRACE_CRASH_POINT("detach.counted");
  std::memset(words->file().log_uuid, 0, sizeof words->file().log_uuid);
  words->say(layout::JournalState::detached, 0);
  // [sync:join] Publishers ask again whom they must wait for.
  (*channel)->doorbell().reader_generation.fetch_add(1, std::memory_order_seq_cst);
  return {};
}

}  // namespace millrace
