#include "channel_state.hpp"

#include "channel_meta.hpp"
#include "low_half.hpp"
#include "millrace/core/futex.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

namespace millrace::detail {

namespace {

Result<Descriptor> open_directory(int parent, const char* path, const char* channel) {
  const int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0) return Descriptor(fd);
  if (errno == ENOENT) {
    return fail(Errc::not_found, "there is no channel \"%s\"; `millrace ls` lists those there are",
                channel);
  }
  return fail_os(errno, "cannot open channel \"%s\"", channel);
}

Result<layout::MetaFile> copy_meta(int directory) {
  auto segment = Segment::open(directory, kMetaName,
                               {.kind = layout::FileKind::meta,
                                .fingerprint = layout::kMetaFingerprint,
                                .bytes_min = sizeof(layout::MetaFile)},
                               Access::read);
  if (!segment) return Failure(segment.error());
  layout::MetaFile copy{};
  std::memcpy(&copy, segment->data(), sizeof copy);
  return copy;
}

// "clock-BOOT-NS" is a file of the domain: a channel of that name would take the clock away.
bool names_a_clock(std::string_view name) noexcept {
  constexpr std::string_view kBefore = "clock-";
  constexpr std::size_t kBootDigits = 8;
  if (!name.starts_with(kBefore)) return false;
  name.remove_prefix(kBefore.size());
  return name.size() > kBootDigits && name[kBootDigits] == '-' &&
         name.substr(0, kBootDigits).find_first_not_of("0123456789abcdef") == name.npos;
}

}  // namespace

bool valid_channel_name(std::string_view name) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || name.size() > 48 || !allowed(name.front())) return false;
  for (const char c : name) {
    if (!allowed(c) && c != '.' && c != '-') return false;
  }
  return name != kParticipantsDirectory && !names_a_clock(name);
}

Result<std::shared_ptr<ChannelState>> ChannelState::open(std::shared_ptr<DomainState> domain,
                                                         std::string_view name, Access doorbell) {
  auto state = std::make_shared<ChannelState>();
  state->name = name;
  const char* const called = state->name.c_str();
  if (!valid_channel_name(name)) {
    return fail(Errc::bad_argument,
                "\"%s\" cannot be a channel's name; use 1 to 48 letters, digits, '.', '_' or '-', "
                "not beginning with '.' or '-', and not the name of one of the domain's own files",
                called);
  }
  auto directory = open_directory(domain->directory.fd(), called, called);
  if (!directory) return Failure(directory.error());
  auto meta = copy_meta(directory->get());
  if (!meta) return Failure(meta.error());
  auto options = read_meta(*meta, called);
  if (!options) return Failure(options.error());
  auto readers = open_directory(directory->get(), kReadersName, called);
  if (!readers) return Failure(readers.error());
  auto stamps = open_directory(directory->get(), kStampsName, called);
  if (!stamps && stamps.error().code() != Errc::not_found) return Failure(stamps.error());
  auto bell = Segment::open(directory->get(), kDoorbellName,
                            {.kind = layout::FileKind::doorbell,
                             .fingerprint = layout::kDoorbellFingerprint,
                             .bytes_min = layout::doorbell_file_bytes(places(*options))},
                            doorbell);
  if (!bell) return Failure(bell.error());
  if (options->durable) {
    auto journal = ChannelJournal::open(directory->get(), options->lanes_max);
    if (!journal) return Failure(journal.error());
    state->journal = std::move(*journal);
  }
  state->domain = std::move(domain);
  state->options = std::move(*options);
  std::memcpy(state->uuid.data(), meta->uuid, sizeof meta->uuid);
  state->features_write = meta->header.features_write;
  state->schema = meta->schema;
  state->schema_name = meta->schema_name;
  state->directory = std::move(*directory);
  state->readers = std::move(*readers);
  if (stamps) state->stamps = std::move(*stamps);
  state->doorbell_segment.emplace(std::move(*bell));
  state->doorbell_watch =
      Watched(state->doorbell_segment->data(), state->doorbell_segment->size(), doorbell);
  if (state->ordered()) {
    auto order = state->open_order(Access::read);
    if (!order) return Failure(order.error());
    state->order_segment.emplace(std::move(*order));
    state->order_watch =
        Watched(state->order_segment->data(), state->order_segment->size(), Access::read);
  }
  return state;
}

Result<Segment> ChannelState::open_order(Access access) const {
  const std::uint64_t words = layout::order_words(options.lanes_max, options.ring_bytes);
  return Segment::open(directory.get(), kOrderName,
                       {.kind = layout::FileKind::order,
                        .fingerprint = layout::kOrderFingerprint,
                        .bytes_min = layout::order_file_bytes(words),
                        .bytes_max = layout::order_file_bytes(words)},
                       access);
}

std::string journal_directory(const std::string& path) {
  if (path.empty()) return path;
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/')
    normal.pop_back();
  return normal;
}

Result<void> ChannelState::check_in_place() const noexcept {
  struct stat own {};

  struct stat named {};

  if (fstat(directory.get(), &own) == 0 &&
      fstatat(domain->directory.fd(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
      own.st_ino == named.st_ino && own.st_dev == named.st_dev) {
    return {};
  }
  return fail(Errc::not_found, "channel \"%s\" was removed meanwhile; open it anew", name.c_str());
}

void ChannelState::lanes_changed() const noexcept {
  // [sync:lanes] Release: who sees the new generation finds the lane it speaks of.
  layout::Word& generation = doorbell().lane_generation;
  generation.fetch_add(1, std::memory_order_release);
  // Readers asleep know nothing of a new lane's words: this is the one they wait on.
  futex_wake(low_half(generation), INT_MAX);
}

}  // namespace millrace::detail
