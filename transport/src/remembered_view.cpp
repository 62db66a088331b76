#include "remembered_view.hpp"

#include "directory_names.hpp"
#include "millrace/core/clock.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

namespace millrace::detail {

namespace {

// Whoever may subscribe may make files here; the journal's process maps no more than this many.
constexpr std::size_t kNamesMax = 1024;

// Longer than any tick of the clock that stamps a directory.
constexpr std::int64_t kStampGrainNs = 100'000'000;

// May a name still come, or go, without the stamp of its directory changing?
bool may_change_unseen(std::int64_t stamp_ns) noexcept {
  const std::int64_t since = static_cast<std::int64_t>(wall_ns()) - stamp_ns;
  return since > -kStampGrainNs && since < kStampGrainNs;
}

}  // namespace

RememberedView::RememberedView(const ChannelState& channel)
    : channel_(channel),
      directory_(openat(channel.directory.get(), kRememberedName,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {}

void RememberedView::find_names() {
  struct stat status {};

  if (!directory_.valid() || fstat(directory_.get(), &status) != 0) return;
  const std::int64_t changed = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (changed == changed_ns_) return;
  // A stamp counts once it is old: two files that come within one tick share theirs, and the second
  // would be missed, and what it has not acknowledged be removed.
  if (!may_change_unseen(changed)) changed_ns_ = changed;
  for_each_name(directory_.get(), [&](std::string_view name) {
    if (valid_channel_name(name)) look_at(std::string(name));
  });
}

// A name that was removed and made anew is another file.
void RememberedView::look_at(const std::string& name) {
  struct stat status {};

  if (fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  const auto known = std::find_if(names_.begin(), names_.end(),
                                  [&](const auto& one) { return one->name == name; });
  if (known != names_.end()) {
    // Our mapping keeps the old file's number from being given again.
    if ((*known)->inode == status.st_ino) return;
    names_.erase(known);
  }
  if (names_.size() < kNamesMax) add_name(name, status.st_ino);
}

void RememberedView::add_name(const std::string& name, std::uint64_t inode) {
  const std::uint64_t bytes = layout::remembered_file_bytes(channel_.options.lanes_max);
  auto segment = Segment::open(directory_.get(), name.c_str(),
                               {.kind = layout::FileKind::remembered,
                                .fingerprint = layout::kRememberedFingerprint,
                                .bytes_min = bytes,
                                .bytes_max = bytes},
                               Access::read);
  if (!segment) return;  // not a subscriber's file, or not for us
  auto made = std::make_unique<Name>();
  made->name = name;
  made->inode = inode;
  made->segment.emplace(std::move(*segment));
  made->watch = Watched(made->segment->data(), made->segment->size(), Access::read);
  made->told.resize(channel_.options.lanes_max);
  names_.push_back(std::move(made));
}

std::optional<Sequence> RememberedView::read(const Name& name, const JournaledLane& lane) noexcept {
  const auto& slot = *reinterpret_cast<const layout::RememberedSlot*>(
      name.segment->data() + layout::remembered_slot_offset(lane.files().lane));
  // [sync:remembered] Acquire: the place that belongs to this epoch is seen with it.
  if (slot.lane_epoch.load(std::memory_order_acquire) != lane.files().epoch) return std::nullopt;
  const Sequence sequence = slot.sequence.load(std::memory_order_relaxed);
  // [sync:remembered] Without this fence the epoch could be looked at before the place, and another
  // lane's place be taken for this one's.
  ProductionMemory::acquire_fence();
  if (slot.lane_epoch.load(std::memory_order_relaxed) != lane.files().epoch) return std::nullopt;
  return std::min(sequence, lane.durable().sequence);
}

std::vector<JournalFeed::Acknowledged> RememberedView::look(
    const std::vector<std::unique_ptr<JournaledLane>>& lanes) {
  find_names();
  std::vector<JournalFeed::Acknowledged> news;
  for (const auto& name : names_) {
    for (const auto& lane : lanes) {
      const auto sequence = read(*name, *lane);
      Name::Told& told = name->told[lane->files().lane];
      if (!sequence) continue;
      if (told.epoch == lane->files().epoch && *sequence <= told.sequence) continue;
      told = {lane->files().epoch, *sequence};
      news.push_back({name->name, lane->files().lane, *sequence});
    }
  }
  return news;
}

}  // namespace millrace::detail
