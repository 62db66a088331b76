// Opening a recorder: everything that can be refused is looked at before the log is touched.
#include "millrace/core/crash_point.hpp"
#include "millrace/persist/use_journals.hpp"
#include "recorder_core.hpp"

#include <filesystem>
#include <set>

namespace millrace {

namespace {

// The directory as channels name it: absolute, without detours.
std::string plain_path(const std::string& directory) {
  std::error_code failed;
  const auto path = std::filesystem::weakly_canonical(directory, failed);
  if (failed) return directory;
  std::string text = path.string();
  while (text.size() > 1 && text.ends_with('/'))
    text.pop_back();
  return text;
}

Result<void> check_channel(const Domain& domain, const std::string& name,
                           const std::string& directory) {
  const auto channel = domain.find(name);
  if (!channel) return Failure(channel.error());
  const ChannelOptions& options = channel->options();
  if (!options.durable || plain_path(options.journal) == plain_path(directory)) return {};
  return fail(Errc::bad_argument,
              "channel \"%s\" is durable in %s, not in %s: record it there, in a recorder of its "
              "own",
              name.c_str(), options.journal.c_str(), directory.c_str());
}

Result<void> check(const Domain& domain, const std::string& directory,
                   const std::vector<std::string>& channels) {
  if (channels.empty()) return fail(Errc::bad_argument, "no channel is named to be recorded");
  std::set<std::string> seen;
  for (const std::string& name : channels) {
    if (!seen.insert(name).second) {
      return fail(Errc::bad_argument, "channel \"%s\" is named twice", name.c_str());
    }
    if (auto fine = check_channel(domain, name, directory); !fine) return fine;
  }
  return {};
}

Result<bool> is_durable(const Domain& domain, const std::string& name) {
  const auto channel = domain.find(name);
  if (!channel) return Failure(channel.error());
  return channel->options().durable;
}

// What shared memory knows of the durable channels.
Result<std::vector<DurableWitness>> witnesses_of(const Domain& domain,
                                                 const std::vector<std::string>& channels) {
  std::vector<DurableWitness> all;
  for (const std::string& name : channels) {
    const auto durable = is_durable(domain, name);
    if (!durable) return Failure(durable.error());
    if (!*durable) continue;
    auto known = JournalFeed::witness(domain, name);
    if (!known) return Failure(known.error());
    if (known->log == Uuid{}) continue;
    for (FeedWitness::Lane& lane : known->lanes) {
      all.push_back(
          {known->channel, std::move(lane.producer), lane.epoch, lane.durable, known->log});
    }
  }
  return all;
}

}  // namespace

Result<std::unique_ptr<RecorderCore>> RecorderCore::open(const Domain& domain,
                                                         const JournalOptions& options,
                                                         const std::vector<std::string>& channels,
                                                         std::unique_ptr<Disk> disk) {
  use_journals();
  if (auto fine = check(domain, options.directory, channels); !fine) return Failure(fine.error());
  JournalOptions asked = options;
  asked.witnesses = [&] { return witnesses_of(domain, channels); };
  auto journal = disk ? Journal::open(asked, std::move(disk)) : Journal::open(asked);
  if (!journal) return Failure(journal.error());
  MILLRACE_CRASH_POINT("recorder.log-open");
  std::unique_ptr<RecorderCore> core(new RecorderCore(std::move(*journal), options.item_bytes));
  if (auto attached = core->attach(domain, channels); !attached) {
    return Failure(attached.error());
  }
  return core;
}

// Publishers are let in once every channel has its lanes, and only then.
Result<void> RecorderCore::attach(const Domain& domain, const std::vector<std::string>& channels) {
  for (const std::string& name : channels) {
    const auto channel = domain.find(name);
    if (!channel) return Failure(channel.error());
    if (!channel->options().durable) {
      auto plain = PlainChannel::open(domain, name, journal_, notes_);
      if (!plain) return Failure(plain.error());
      sources_.push_back(plain->get());
      plain_.push_back(std::move(*plain));
      continue;
    }
    auto durable =
        DurableChannel::attach(domain, name, channel->options().journal, journal_, notes_);
    if (!durable) return Failure(durable.error());
    durable_.push_back(std::move(*durable));
  }
  if (auto joined = join_lanes(); !joined) return joined;
  for (const auto& channel : durable_) {
    channel->open_to_publishers();
    channel->say(layout::JournalState::ok, 0);
    MILLRACE_CRASH_POINT("recorder.open-to-publishers");
  }
  show_stats(true);
  return {};
}

}  // namespace millrace
