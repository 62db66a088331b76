#include "millrace/transport/domain.hpp"

#include "channel_state.hpp"
#include "directory_names.hpp"
#include "millrace/core/hugetlbfs.hpp"
#include "millrace/core/topology.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

namespace millrace {

namespace {

// Every option that was set to something else than its default is a wish.
Result<void> agree(const ChannelOptions& wish, const ChannelOptions& is, const char* channel) {
  const ChannelOptions none;
  const char* what = nullptr;
  const auto differs = [](const auto& wanted, const auto& standard, const auto& real) {
    return wanted != standard && wanted != real;
  };
  if (differs(wish.ring_bytes, none.ring_bytes, is.ring_bytes)) what = "ring size";
  if (differs(wish.policy, none.policy, is.policy)) what = "policy";
  if (differs(wish.order, none.order, is.order)) what = "order";
  if (differs(wish.lanes_max, none.lanes_max, is.lanes_max)) what = "number of lanes";
  if (differs(wish.pages, none.pages, is.pages)) what = "page kind";
  if (differs(wish.placement, none.placement, is.placement)) what = "NUMA placement";
  if (differs(wish.lock, none.lock, is.lock)) what = "memory lock";
  if (differs(wish.prefault, none.prefault, is.prefault)) what = "prefault option";
  if (differs(wish.require_readers, none.require_readers, is.require_readers)) {
    what = "require_readers option";
  }
  if (differs(wish.mode, none.mode, is.mode)) what = "mode";
  if (differs(wish.durable, none.durable, is.durable)) what = "durability";
  if (differs(wish.journal, none.journal, is.journal)) what = "journal directory";
  if (differs(wish.when_journal_fails, none.when_journal_fails, is.when_journal_fails)) {
    what = "when_journal_fails option";
  }
  if (differs(wish.stamps, none.stamps, is.stamps)) what = "choice of stamps";
  if (differs(wish.stamp_every, none.stamp_every, is.stamp_every)) what = "rate of stamps";
  if (differs(wish.stamp_records, none.stamp_records, is.stamp_records)) what = "recorder size";
  if (what == nullptr) return {};
  return fail(
      Errc::bad_argument,
      "channel \"%s\" exists with another %s than asked for; leave the option out, or remove "
      "the channel first (millrace clean %s)",
      channel, what, channel);
}

Result<void> agree_on_schema(const Schema& wish, const detail::ChannelState& is) {
  if (wish.fingerprint == is.schema) return {};
  const std::string wanted = wish.fingerprint == 0 ? "bytes" : std::string(wish.name);
  return fail(Errc::schema, "channel \"%s\" carries %s, not %s; use the type it was created for",
              is.name.c_str(), is.schema == 0 ? "bytes" : is.schema_name.c_str(), wanted.c_str());
}

unsigned processors() {
  const auto allowed = allowed_cpus();
  return allowed && !allowed->empty() ? static_cast<unsigned>(allowed->size()) : 1;
}

}  // namespace

Result<Domain> Domain::open(const DomainOptions& options) {
  auto directory = DomainDirectory::open(options.path, options.create, options.trusted_uid);
  if (!directory) return Failure(directory.error());
  const std::string name =
      options.participant.empty() ? program_invocation_short_name : options.participant;
  auto state = std::make_shared<detail::DomainState>(std::move(*directory), name);
  state->processors = processors();
  return Domain(std::move(state));
}

Result<Channel> Domain::find(std::string_view name) const {
  auto found = detail::ChannelState::open(state_, name, Access::write);
  if (!found && found.error().code() == Errc::no_permission) {
    // An observer may look all the same.
    auto seen = detail::ChannelState::open(state_, name, Access::read);
    if (seen) return Channel(std::move(*seen));
  }
  if (!found) return Failure(found.error());
  return Channel(std::move(*found));
}

Result<Channel> Domain::create(std::string_view name, const ChannelOptions& options) {
  return create(name, options, Schema{});
}

Result<Channel> Domain::create(std::string_view name, const ChannelOptions& options,
                               const Schema& schema) {
  if (!detail::valid_channel_name(name)) return find(name);  // says what a name may be
  if (auto sound = detail::check_new(options); !sound) return Failure(sound.error());
  ChannelOptions complete = options;
  complete.journal = detail::journal_directory(options.journal);
  if (options.pages == Pages::huge && options.huge_dir.empty()) {
    auto found = find_hugetlbfs();
    if (!found) return Failure(found.error());
    complete.huge_dir = std::move(*found);
  }
  auto built = detail::build_channel(*state_, name, complete, schema);
  if (!built) return Failure(built.error());
  return find(name);
}

Result<Channel> Domain::channel(std::string_view name, const ChannelOptions& options) {
  return channel(name, options, Schema{});
}

Result<Channel> Domain::channel(std::string_view name, const ChannelOptions& options,
                                const Schema& schema) {
  if (auto sound = detail::check(options); !sound) return Failure(sound.error());
  ChannelOptions wish = options;
  wish.journal = detail::journal_directory(options.journal);
  for (int attempt = 0;; ++attempt) {
    auto found = find(name);
    if (found) {
      if (auto same = agree(wish, found->options(), found->name().c_str()); !same) {
        return Failure(same.error());
      }
      if (auto same = agree_on_schema(schema, *found->state_); !same) return Failure(same.error());
      return found;
    }
    if (found.error().code() != Errc::not_found || attempt == 3) return found;
    auto made = create(name, options, schema);
    if (made || made.error().code() != Errc::exists) return made;
    // Somebody was faster: take theirs.
  }
}

Result<Clock> Domain::clock() const {
  return Clock::open(state_->directory.fd());
}

Result<std::vector<std::string>> Domain::channels() const {
  std::vector<std::string> names;
  const bool readable = detail::for_each_name(state_->directory.fd(), [&](std::string_view name) {
    struct stat status {};
    const std::string text(name);
    if (!detail::valid_channel_name(name)) return;
    const std::string meta = text + "/" + detail::kMetaName;
    if (fstatat(state_->directory.fd(), meta.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
      names.push_back(text);
    }
  });
  if (!readable) return fail_os(errno, "cannot list %s", path().c_str());
  std::sort(names.begin(), names.end());
  return names;
}

const std::string& Domain::path() const noexcept {
  return state_->directory.path();
}

}  // namespace millrace
