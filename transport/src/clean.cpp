// Removing what is proven dead, and telling whether the dead have left anything behind. Every step
// is idempotent and done by name, so any number of processes may clean at once, and one that dies
// in the middle has done no harm.
#include "millrace/transport/clean.hpp"

#include "counter.hpp"
#include "directory_names.hpp"
#include "lane_drained.hpp"
#include "lane_making.hpp"
#include "lane_owner.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/participant_info.hpp"
#include "millrace/core/private_name.hpp"
#include "millrace/transport/domain.hpp"
#include "stamp_recorder.hpp"

#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace {

namespace detail {

namespace {

std::vector<std::string> channel_names(int domain_fd) {
  std::vector<std::string> names;
  for_each_name(domain_fd, [&](std::string_view name) {
    if (valid_channel_name(name)) names.emplace_back(name);
  });
  return names;
}

}  // namespace

bool repaired(int domain_fd, const layout::ParticipantFile& dead) {
  // A lane of a dead owner is continued by name or retired; neither needs the owner's id, because
  // the lane carries the whole incarnation. Only files under its name must go first.
  for (const std::string& channel : channel_names(domain_fd)) {
    const std::string readers = channel + "/" + kReadersName;
    const Descriptor directory(
        openat(domain_fd, readers.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) continue;
    std::vector<std::string> left;
    const bool listed = for_each_name(directory.get(), [&](std::string_view name) {
      const auto reader = parse_reader_name(name);
      if (reader && reader->participant.incarnation == dead.incarnation) left.emplace_back(name);
    });
    if (!listed) return false;
    // Nobody waits for them any more. Were they left to `clean`, every subscriber that is killed
    // would use up an id for good.
    for (const std::string& file : left) {
      if (unlinkat(directory.get(), file.c_str(), 0) != 0 && errno != ENOENT) return false;
    }
  }
  bool unfinished = false;
  for_each_name(domain_fd, [&](std::string_view name) {
    const auto made = parse_private_name(name);
    if (made && made->creator_incarnation == dead.incarnation) unfinished = true;
  });
  return !unfinished;
}

// One pass over a domain.
class Sweep {
 public:
  explicit Sweep(const std::shared_ptr<DomainState>& domain) : domain_(domain) {}

  Result<void> remove(std::string_view name) {
    const auto channel = ChannelState::open(domain_, name, Access::write);
    if (!channel) return Failure(channel.error());
    if (!unused(**channel)) {
      return fail(
          Errc::busy,
          "channel \"%s\" is in use; end its publishers and subscribers first (millrace stat "
          "names them)",
          (*channel)->name.c_str());
    }
    if (remove_channel(**channel)) return {};
    return fail(Errc::no_permission, "cannot remove channel %s", report_.kept.back().c_str());
  }

  CleanReport run(const CleanOptions& options) {
    for (const std::string& name : channel_names(fd())) {
      const auto channel = ChannelState::open(domain_, name, Access::write);
      if (!channel) continue;
      if (options.channels_too && unused(**channel)) {
        if (remove_channel(**channel)) ++report_.channels;
        continue;
      }
      remove_dead_readers(**channel);
      report_.recorders += remove_gone_recorders(**channel, 0);
      retire_lanes(**channel);
    }
    remove_unfinished();
    remove_old_clocks();
    report_.participants = remove_dead_participants(
        fd(), [this](const layout::ParticipantFile& dead) { return repaired(fd(), dead); });
    return std::move(report_);
  }

 private:
  [[nodiscard]] int fd() const noexcept { return domain_->directory.fd(); }

  [[nodiscard]] bool dead(ParticipantName name) const {
    return probe(fd(), name).life == Life::dead;
  }

  [[nodiscard]] std::set<std::uint64_t> living() const {
    std::set<std::uint64_t> alive;
    for (const ParticipantInfo& info : list_participants(fd())) {
      if (info.alive()) alive.insert(info.id.incarnation);
    }
    return alive;
  }

  void keep(const std::string& what) { report_.kept.push_back(what + ": " + strerror(errno)); }

  void remove_dead_readers(const ChannelState& channel) {
    for (const ReaderName& name : reader_names(channel).value_or(std::vector<ReaderName>{})) {
      if (!dead(name.participant)) continue;
      const std::string file = to_string(name);
      if (unlinkat(channel.readers.get(), file.c_str(), 0) == 0) {
        ++report_.readers;
        MILLRACE_CRASH_POINT("clean.reader");
      } else if (errno != ENOENT) {
        keep(channel.name + "/" + kReadersName + "/" + file);
      }
    }
    // [sync:join] Publishers forget them at their next look.
    channel.doorbell().reader_generation.fetch_add(1, std::memory_order_seq_cst);
  }

  void retire_lanes(const ChannelState& channel) {
    for (const std::uint32_t number : lane_numbers(channel)) {
      auto lock = LifetimeLock::take(channel.directory.get(), lane_lock_name(number).c_str());
      if (!lock) continue;  // somebody publishes in it, or looks at it
      const auto lane = open_lane(channel, number, Access::write);
      if (!lane || !lane->producer.empty()) continue;
      seal(channel, *lane);
      if (drained(channel, *lane) != Drained::by_all) continue;
      remove_lane(channel, *lane);
      ++report_.lanes;
    }
  }

  [[nodiscard]] bool unused(const ChannelState& channel) const {
    const auto readers = reader_names(channel);
    if (!readers) return false;
    for (const ReaderName& name : *readers) {
      if (!dead(name.participant)) return false;
    }
    for (const std::uint32_t number : lane_numbers(channel)) {
      const auto lane = open_lane(channel, number, Access::read);
      if (!lane) continue;
      // [sync:lane-state] Acquire, as everywhere.
      const auto state = lane->control().state.load(std::memory_order_acquire);
      const ParticipantName owner{lane->control().owner_id.load(std::memory_order_relaxed),
                                  value(lane->control().owner_incarnation)};
      if (state == static_cast<std::uint32_t>(layout::LaneState::live) && !dead(owner))
        return false;
    }
    return !channel.options.durable || dead(channel.journal.persister());
  }

  // First out of sight, so that nobody opens half a channel; then a second look, because somebody
  // may have begun to take part before that (ChannelState::check_in_place is the other half); then
  // file by file.
  bool remove_channel(const ChannelState& channel) {
    // Under our own name while we live: nobody else may take it for a ruin.
    const auto self = domain_->participant();
    const std::string hidden = private_name(self ? (*self)->name().incarnation : 0);
    MILLRACE_CRASH_POINT("clean.unused");
    if (renameat(fd(), channel.name.c_str(), fd(), hidden.c_str()) != 0) {
      keep(channel.name);
      return false;
    }
    MILLRACE_CRASH_POINT("clean.renamed");
    // Another channel may have that name by now: somebody removed this one and made it anew.
    if (!leads_to(hidden, channel.directory) || !unused(channel)) {
      errno = EBUSY;
      const auto shown = show_private_name(fd(), hidden.c_str(), fd(), channel.name.c_str());
      if (!shown) errno = shown.error().os_error();
      keep(channel.name);
      return false;
    }
    for (const std::uint32_t number : lane_numbers(channel)) {
      if (const auto lane = open_lane(channel, number, Access::write)) remove_lane(channel, *lane);
    }
    MILLRACE_CRASH_POINT("clean.hidden");
    return remove_tree(hidden);
  }

  [[nodiscard]] bool leads_to(const std::string& name, const Descriptor& directory) const {
    struct stat named {};

    struct stat own {};

    return fstatat(fd(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(directory.get(), &own) == 0 && named.st_ino == own.st_ino &&
           named.st_dev == own.st_dev;
  }

  // Does anybody publish or read in this directory? Somebody may have begun to while a remover hid
  // it, who died before the second look. It goes when they have gone.
  [[nodiscard]] bool inhabited(const std::string& name) const {
    constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
    const Descriptor directory(openat(fd(), name.c_str(), kFlags | O_DIRECTORY));
    if (!directory.valid()) return false;
    bool found = false;
    for_each_name(directory.get(), [&](std::string_view file) {
      if (!file.ends_with(".own")) return;
      const Descriptor lock(
          openat(directory.get(), std::string(file).c_str(), kFlags | O_NONBLOCK | O_NOCTTY));
      // What cannot be asked is taken as alive.
      found |= lock.valid() ? probe_open_file(lock.get()).life == Life::alive : errno != ENOENT;
    });
    const Descriptor readers(openat(directory.get(), kReadersName, kFlags | O_DIRECTORY));
    if (!readers.valid()) return found;
    for_each_name(readers.get(), [&](std::string_view file) {
      const auto reader = parse_reader_name(file);
      found |= reader && !dead(reader->participant);
    });
    return found;
  }

  // Channels whose creator died while building them, and ones whose removal was interrupted.
  void remove_unfinished() {
    std::map<std::string, std::uint64_t> names;
    for_each_name(fd(), [&](std::string_view name) {
      if (const auto made = parse_private_name(name)) {
        names.emplace(name, made->creator_incarnation);
      }
    });
    // Only now: a creator that lives had entered the domain before it made the name.
    const std::set<std::uint64_t> alive = living();
    for (const auto& [name, creator] : names) {
      if (alive.contains(creator) || inhabited(name)) continue;
      if (remove_tree(name)) ++report_.unfinished;
    }
  }

  // Calibrations of earlier boots.
  void remove_old_clocks() {
    const std::string current = Clock::file_name().data();
    std::vector<std::string> names;
    for_each_name(fd(), [&](std::string_view name) {
      if (name.starts_with("clock-") && name.substr(0, 14) != current.substr(0, 14)) {
        names.emplace_back(name);
      }
    });
    for (const std::string& name : names)
      unlinkat(fd(), name.c_str(), 0);
  }

  // A channel's directory is two levels deep.
  bool remove_tree(const std::string& name) {
    const Descriptor directory(
        openat(fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.valid()) return unlinkat(fd(), name.c_str(), 0) == 0;
    for (const char* inner : {kReadersName, kStampsName, kRememberedName, "."}) {
      const Descriptor level(
          openat(directory.get(), inner, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!level.valid()) continue;
      std::vector<std::string> files;
      for_each_name(level.get(), [&](std::string_view file) { files.emplace_back(file); });
      for (const std::string& file : files)
        unlinkat(level.get(), file.c_str(), 0);
    }
    MILLRACE_CRASH_POINT("clean.emptied");
    unlinkat(directory.get(), kReadersName, AT_REMOVEDIR);
    unlinkat(directory.get(), kStampsName, AT_REMOVEDIR);
    unlinkat(directory.get(), kRememberedName, AT_REMOVEDIR);
    if (unlinkat(fd(), name.c_str(), AT_REMOVEDIR) == 0) return true;
    keep(name);
    return false;
  }

  std::shared_ptr<DomainState> domain_;
  CleanReport report_;
};

}  // namespace detail

Result<void> Domain::remove(std::string_view name) {
  return detail::Sweep(state_).remove(name);
}

Result<CleanReport> Domain::clean(const CleanOptions& options) {
  return detail::Sweep(state_).run(options);
}

}  // namespace millrace
