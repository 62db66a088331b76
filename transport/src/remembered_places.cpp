#include "remembered_places.hpp"

#include "file_modes.hpp"
#include "millrace/core/crash_point.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

namespace millrace::detail {

namespace {

Result<Descriptor> open_directory(const ChannelState& channel) {
  const int fd = openat(channel.directory.get(), kRememberedName,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0) return Descriptor(fd);
  return fail_os(errno, "cannot open the places that channel \"%s\" remembers",
                 channel.name.c_str());
}

Result<void> build(int directory, const ChannelState& channel, const std::string& name,
                   ParticipantName creator) {
  SegmentPlan plan;
  plan.kind = layout::FileKind::remembered;
  plan.fingerprint = layout::kRememberedFingerprint;
  plan.file_bytes = layout::remembered_file_bytes(channel.options.lanes_max);
  plan.mode = reader_mode(channel.options.mode);
  plan.group = channel.options.group;
  plan.creator_incarnation = creator.incarnation;
  auto built = NewSegment::create(directory, plan);
  if (!built) return Failure(built.error());
  auto& file = *reinterpret_cast<layout::RememberedFile*>(built->data());
  std::memcpy(file.name, name.c_str(), name.size());
  file.lanes = channel.options.lanes_max;
  MILLRACE_CRASH_POINT("remembered.built");
  auto linked = built->link(directory, name.c_str());
  MILLRACE_CRASH_POINT("remembered.linked");
  // Somebody was faster: it is the same file for both, and the lock decides.
  if (!linked && linked.error().code() == Errc::exists) return {};
  return linked;
}

// Its name, while `path` still means the locked file.
bool same_file(int directory, const std::string& name, int locked) noexcept {
  struct stat own {};

  struct stat named {};

  return fstat(locked, &own) == 0 &&
         fstatat(directory, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         own.st_ino == named.st_ino && own.st_dev == named.st_dev;
}

Result<Segment> open_segment(int directory, const ChannelState& channel, const std::string& name,
                             Access access) {
  const std::uint64_t bytes = layout::remembered_file_bytes(channel.options.lanes_max);
  auto segment = Segment::open(directory, name.c_str(),
                               {.kind = layout::FileKind::remembered,
                                .fingerprint = layout::kRememberedFingerprint,
                                .bytes_min = bytes,
                                .bytes_max = bytes},
                               access);
  if (!segment) return segment;
  const auto& file = *reinterpret_cast<const layout::RememberedFile*>(segment->data());
  const bool sound = std::memchr(file.name, '\0', sizeof file.name) != nullptr &&
                     name == file.name && file.lanes == channel.options.lanes_max;
  if (sound) return segment;
  return fail(Errc::format,
              "what channel \"%s\" remembers of subscriber \"%s\" is of another one, or damaged; "
              "remove %s/%s",
              channel.name.c_str(), name.c_str(), kRememberedName, name.c_str());
}

Failure held(int directory, const ChannelState& channel, const std::string& name) {
  auto segment = open_segment(directory, channel, name, Access::read);
  if (!segment) return Failure(segment.error());
  const auto& file = *reinterpret_cast<const layout::RememberedFile*>(segment->data());
  // [sync:name-holder] Acquire: the id that belongs to this incarnation is seen with it.
  const std::uint64_t incarnation = file.incarnation.load(std::memory_order_acquire);
  const PeerName holder = peer_name(channel.domain->directory.fd(),
                                    {file.id.load(std::memory_order_relaxed), incarnation});
  return fail(Errc::busy, "channel \"%s\": subscriber \"%s\" lives already, %s; take another name",
              channel.name.c_str(), name.c_str(), describe_peer(holder).data());
}

}  // namespace

RememberedPlaces::RememberedPlaces(LifetimeLock lock, Mapping mapping, std::string name) noexcept
    : lock_(std::move(lock)),
      mapping_(std::move(mapping)),
      watch_(mapping_.data(), mapping_.size(), Access::write),
      name_(std::move(name)) {}

Result<RememberedPlaces> RememberedPlaces::open(const ChannelState& channel,
                                                const std::string& name, ParticipantName holder) {
  auto directory = open_directory(channel);
  if (!directory) return Failure(directory.error());
  for (;;) {
    auto lock = LifetimeLock::take(directory->get(), name.c_str());
    if (!lock && lock.error().code() == Errc::not_found) {
      if (auto built = build(directory->get(), channel, name, holder); !built) {
        return Failure(built.error());
      }
      continue;
    }
    if (!lock && lock.error().code() == Errc::busy) return held(directory->get(), channel, name);
    if (!lock) return Failure(lock.error());
    // Removed by hand between opening and locking: begin anew.
    if (!same_file(directory->get(), name, lock->fd())) continue;
    auto segment = open_segment(directory->get(), channel, name, Access::write);
    if (!segment) return Failure(segment.error());
    auto mapping = Mapping::of(segment->fd(), 0, segment->size(), Access::write);
    if (!mapping) return Failure(mapping.error());
    hide_from_forks_and_dumps(mapping->data(), mapping->size());
    RememberedPlaces made(std::move(*lock), std::move(*mapping), name);
    layout::RememberedFile& file = made.file();
    const std::uint32_t opens = file.opens.load(std::memory_order_relaxed);
    made.known_ = opens != 0;
    file.opens.store(opens + 1, std::memory_order_relaxed);
    file.id.store(holder.id, std::memory_order_relaxed);
    // [sync:name-holder] Release: without it somebody could take the last one's id for ours.
    file.incarnation.store(holder.incarnation, std::memory_order_release);
    return made;
  }
}

std::optional<Sequence> RememberedPlaces::place(std::uint32_t lane,
                                                std::uint64_t epoch) const noexcept {
  // Relaxed: only who holds the lock writes here, and that is this thread.
  if (slot(lane).lane_epoch.load(std::memory_order_relaxed) != epoch) return std::nullopt;
  return slot(lane).sequence.load(std::memory_order_relaxed);
}

layout::RememberedSlot& RememberedPlaces::begin(std::uint32_t lane, std::uint64_t epoch,
                                                Sequence sequence) const noexcept {
  layout::RememberedSlot& to = slot(lane);
  if (to.lane_epoch.load(std::memory_order_relaxed) != epoch) {
    to.lane_epoch.store(0, std::memory_order_relaxed);
    // [sync:remembered] Release fence: without it the journal could see the place of this lane
    // beneath the epoch of the one before.
    ProductionMemory::release_fence();
  }
  to.sequence.store(sequence, std::memory_order_relaxed);
  MILLRACE_CRASH_POINT("remembered.sequence");
  // [sync:remembered] Release: who sees this epoch sees its sequence.
  to.lane_epoch.store(epoch, std::memory_order_release);
  return to;
}

}  // namespace millrace::detail
