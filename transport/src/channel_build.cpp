// Building a channel: a directory under a private name that carries its creator, filled, and shown
// by one rename. A creator that dies in the middle leaves a private name, which `clean` removes.
#include "channel_meta.hpp"
#include "channel_state.hpp"
#include "file_modes.hpp"
#include "millrace/core/channel_journal_layout.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/order_layout.hpp"
#include "millrace/core/private_name.hpp"
#include "millrace/core/sampling.hpp"
#include "millrace/core/stamp_layout.hpp"

#include <bit>
#include <cerrno>
#include <cinttypes>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::detail {

namespace {

Result<void> check_order(const ChannelOptions& options) {
  if (options.order == Order::lane) return {};
  if (options.durable) {
    return fail(Errc::bad_argument,
                "a channel with one total order cannot be durable: a journal keeps lanes, not the "
                "order between them; leave one of the two out");
  }
  if (layout::order_words(options.lanes_max, options.ring_bytes) <= layout::kOrderWordsMax) {
    return {};
  }
  return fail(Errc::bad_argument,
              "one order over %u lanes of %" PRIu64
              " bytes is too large; take fewer lanes or a smaller ring, at most 17179869184 (16G) "
              "bytes together",
              options.lanes_max, options.ring_bytes);
}

Result<void> check_journal(const ChannelOptions& options) {
  const std::string& path = options.journal;
  if (path.empty()) return {};
  if (path.front() != '/' || path.find('\0') != std::string::npos) {
    return fail(Errc::bad_argument, "the journal's directory \"%.200s\" is not an absolute path",
                path.c_str());
  }
  if (path.size() >= layout::kPathBytes) {
    return fail(Errc::bad_argument, "the journal's path is longer than %zu bytes",
                layout::kPathBytes - 1);
  }
  if (options.durable) return {};
  return fail(Errc::bad_argument,
              "a journal is named for a channel that is not durable; set `durable`, or leave the "
              "journal out");
}

Result<void> check_stamps(const ChannelOptions& options) {
  if (!std::has_single_bit(options.stamp_every) ||
      options.stamp_every > std::uint32_t{1} << Sampling::kShiftMax) {
    return fail(Errc::bad_argument,
                "one stamped message in %u is not possible; take a power of two from 1 to 1048576",
                options.stamp_every);
  }
  if (std::has_single_bit(options.stamp_records) &&
      options.stamp_records >= layout::kStampRecordsMin &&
      options.stamp_records <= layout::kStampRecordsMax) {
    return {};
  }
  return fail(Errc::bad_argument,
              "a flight recorder of %u records is not possible; take a power of two from %u to %u",
              options.stamp_records, layout::kStampRecordsMin, layout::kStampRecordsMax);
}

}  // namespace

Result<void> check(const ChannelOptions& options) {
  if (!std::has_single_bit(options.ring_bytes) || options.ring_bytes < kRingBytesMin ||
      options.ring_bytes > kRingBytesMax) {
    return fail(Errc::bad_argument,
                "a ring of %" PRIu64
                " bytes is not possible; take a power of two from 4096 (4K) to "
                "34359738368 (32G)",
                options.ring_bytes);
  }
  if (options.lanes_max < 1 || options.lanes_max > kLanesMax) {
    return fail(Errc::bad_argument, "%u lanes are not possible; take 1 to %u", options.lanes_max,
                kLanesMax);
  }
  if (options.pages == Pages::huge && options.ring_bytes % kHugePageBytes != 0) {
    return fail(Errc::bad_argument,
                "a ring of %" PRIu64 " bytes cannot lie on huge pages; take at least 2097152 (2M)",
                options.ring_bytes);
  }
  if ((options.mode & ~0777U) != 0 || (options.mode & 0600) != 0600) {
    return fail(Errc::bad_argument,
                "mode %o is not possible; take permission bits with rw for the owner, such as 0600",
                options.mode);
  }
  if (auto sound = check_stamps(options); !sound) return sound;
  if (options.huge_dir.size() >= layout::kPathBytes) {
    return fail(Errc::bad_argument, "the hugetlbfs path is longer than %zu bytes",
                layout::kPathBytes - 1);
  }
  if (auto possible = check_order(options); !possible) return possible;
  return check_journal(options);
}

Result<void> check_new(const ChannelOptions& options) {
  if (auto sound = check(options); !sound) return sound;
  if (!options.durable || !options.journal.empty()) return {};
  return fail(Errc::bad_argument,
              "a durable channel needs the directory of its journal; set `journal` to an absolute "
              "path");
}

namespace {

// The directory under its private name; removes itself and what is in it unless it was shown.
class Scaffold {
 public:
  Scaffold(int parent, std::string name) : parent_(parent), name_(std::move(name)) {}

  Scaffold(const Scaffold&) = delete;
  Scaffold& operator=(const Scaffold&) = delete;

  ~Scaffold() {
    if (shown_ || !directory_.valid()) return;
    unlinkat(directory_.get(), kMetaName, 0);
    unlinkat(directory_.get(), kDoorbellName, 0);
    unlinkat(directory_.get(), kOrderName, 0);
    unlinkat(directory_.get(), kJournalName, 0);
    unlinkat(directory_.get(), kRememberedName, AT_REMOVEDIR);
    unlinkat(directory_.get(), kStampsName, AT_REMOVEDIR);
    unlinkat(directory_.get(), kReadersName, AT_REMOVEDIR);
    unlinkat(parent_, name_.c_str(), AT_REMOVEDIR);
  }

  Result<void> make(std::uint32_t mode, std::uint32_t group) {
    if (mkdirat(parent_, name_.c_str(), 0700) != 0) {
      return fail_os(errno, "cannot make a directory in the domain");
    }
    MILLRACE_CRASH_POINT("channel.directory");
    directory_ =
        Descriptor(openat(parent_, name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory_.valid()) return fail_os(errno, "cannot open the channel's new directory");
    return give(directory_.get(), mode, group);
  }

  Result<void> add_directory(const char* name, std::uint32_t mode, std::uint32_t group) {
    if (mkdirat(directory_.get(), name, 0700) != 0) return fail_os(errno, "cannot make %s/", name);
    const Descriptor made(
        openat(directory_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made.valid()) return fail_os(errno, "cannot open the new %s/", name);
    return give(made.get(), mode, group);
  }

  Result<void> show(const char* name) {
    auto shown = show_private_name(parent_, name_.c_str(), parent_, name);
    shown_ = shown.has_value();
    return shown;
  }

  [[nodiscard]] int fd() const noexcept { return directory_.get(); }

 private:
  // Exactly this mode and group, whatever the umask says.
  static Result<void> give(int fd, std::uint32_t mode, std::uint32_t group) {
    if (group != kKeepGroup && fchown(fd, static_cast<uid_t>(-1), group) != 0) {
      return fail_os(errno, "cannot give the channel to group %u; are you a member of it?", group);
    }
    if (fchmod(fd, mode) != 0) return fail_os(errno, "cannot set mode %o", mode);
    return {};
  }

  int parent_;
  std::string name_;
  Descriptor directory_;
  bool shown_ = false;
};

SegmentPlan plan(layout::FileKind kind, std::uint64_t fingerprint, std::uint64_t bytes,
                 std::uint32_t mode, const ChannelOptions& options, std::uint64_t incarnation) {
  SegmentPlan made;
  made.kind = kind;
  made.fingerprint = fingerprint;
  made.file_bytes = bytes;
  made.mode = mode;
  made.group = options.group;
  made.creator_incarnation = incarnation;
  return made;
}

// Before the first lane: a lane without a floor cannot exist.
Result<void> add_journal(int directory, const ChannelOptions& options, std::uint64_t incarnation) {
  auto journal = NewSegment::create(
      directory, plan(layout::FileKind::journal, layout::kChannelJournalFingerprint,
                      layout::channel_journal_bytes(options.lanes_max), journal_mode(options.mode),
                      options, incarnation));
  if (!journal) return Failure(journal.error());
  return journal->link(directory, kJournalName);
}

Result<void> add_order(int directory, const ChannelOptions& options, std::uint64_t incarnation) {
  const std::uint64_t words = layout::order_words(options.lanes_max, options.ring_bytes);
  SegmentPlan order =
      plan(layout::FileKind::order, layout::kOrderFingerprint, layout::order_file_bytes(words),
           order_mode(options.mode), options, incarnation);
  order.data_bytes = words * sizeof(layout::Word);
  order.data_offset = sizeof(layout::OrderFile);
  order.prefault = options.prefault;
  auto made = NewSegment::create(directory, order);
  if (!made) return Failure(made.error());
  reinterpret_cast<layout::OrderFile*>(made->data())->words = words;
  return made->link(directory, kOrderName);
}

Result<void> add_files(int directory, const ChannelOptions& options, const Schema& schema,
                       std::uint64_t incarnation) {
  auto meta = NewSegment::create(
      directory, plan(layout::FileKind::meta, layout::kMetaFingerprint, sizeof(layout::MetaFile),
                      meta_mode(options.mode), options, incarnation));
  if (!meta) return Failure(meta.error());
  write_meta(*reinterpret_cast<layout::MetaFile*>(meta->data()), options, schema);
  if (auto linked = meta->link(directory, kMetaName); !linked) return linked;
  MILLRACE_CRASH_POINT("channel.meta");
  auto bell =
      NewSegment::create(directory, plan(layout::FileKind::doorbell, layout::kDoorbellFingerprint,
                                         layout::doorbell_file_bytes(places(options)),
                                         doorbell_mode(options.mode), options, incarnation));
  if (!bell) return Failure(bell.error());
  if (auto linked = bell->link(directory, kDoorbellName); !linked) return linked;
  if (options.order == Order::total) {
    if (auto added = add_order(directory, options, incarnation); !added) return added;
  }
  return options.durable ? add_journal(directory, options, incarnation) : Result<void>();
}

}  // namespace

Result<void> build_channel(DomainState& domain, std::string_view name,
                           const ChannelOptions& options, const Schema& schema) {
  const std::string called(name);
  auto participant = domain.participant();
  if (!participant) return Failure(participant.error());
  (*participant)->will_need(layout::Repair::channel);
  const std::uint64_t incarnation = (*participant)->name().incarnation;
  const int parent = domain.directory.fd();
  Scaffold scaffold(parent, private_name(incarnation));
  if (auto made = scaffold.make(channel_directory_mode(options.mode), options.group); !made) {
    return made;
  }
  for (const char* const inner : {kReadersName, kStampsName}) {
    auto made = scaffold.add_directory(inner, readers_directory_mode(options.mode), options.group);
    if (!made) return made;
  }
  if (options.durable) {
    auto made = scaffold.add_directory(kRememberedName, readers_directory_mode(options.mode),
                                       options.group);
    if (!made) return made;
  }
  if (auto added = add_files(scaffold.fd(), options, schema, incarnation); !added) return added;
  MILLRACE_CRASH_POINT("channel.complete");
  auto shown = scaffold.show(called.c_str());
  MILLRACE_CRASH_POINT("channel.shown");
  return shown;
}

}  // namespace millrace::detail
