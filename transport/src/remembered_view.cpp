#include "remembered_view.hpp"

#include "directory_names.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

namespace millrace::detail {

namespace {

// Whoever may subscribe may make files here; the journal's process maps no more than this many.
constexpr std::size_t kNamesMax = 1024;

}  // namespace

RememberedView::RememberedView(const ChannelState& channel)
    : channel_(channel),
      directory_(openat(channel.directory.get(), kRememberedName,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {}

void RememberedView::find_names() {
  struct stat status {};

  if (!directory_.valid() || fstat(directory_.get(), &status) != 0) return;
  const std::int64_t changed = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  // A file that comes within the grain of the clock is found with the next one, or by the next
  // persister: a place that the log does not know yet is lost only with the whole machine.
  if (changed == changed_ns_) return;
  changed_ns_ = changed;
  for_each_name(directory_.get(), [&](std::string_view name) {
    const auto known = [&](const auto& one) { return one->name == name; };
    if (names_.size() >= kNamesMax || !valid_channel_name(name)) return;
    if (std::none_of(names_.begin(), names_.end(), known)) add_name(std::string(name));
  });
}

void RememberedView::add_name(const std::string& name) {
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
