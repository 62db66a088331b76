#include "stamp_recorder.hpp"

#include "counter.hpp"
#include "directory_names.hpp"
#include "file_modes.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/liveness.hpp"

#include <algorithm>
#include <bit>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::detail {

namespace {

layout::StampFile& file_at(std::byte* data) noexcept {
  return *reinterpret_cast<layout::StampFile*>(data);
}

SegmentPlan plan_for(const ChannelState& channel, ParticipantName owner) {
  SegmentPlan plan;
  plan.kind = layout::FileKind::stamps;
  plan.fingerprint = layout::kStampFingerprint;
  plan.file_bytes = layout::stamp_file_bytes(channel.options.stamp_records);
  plan.mode = recorder_mode(channel.options.mode);
  plan.group = channel.options.group;
  plan.creator_incarnation = owner.incarnation;
  return plan;
}

// Its owner has left in good order, or is dead.
bool is_gone(const ChannelState& channel, const RecorderName& name) {
  if (probe(channel.domain->directory.fd(), name.participant).life == Life::dead) return true;
  const auto opened = open_recorder(channel, name);
  return opened && value(file_at(opened->data()).left) != 0;
}

}  // namespace

Result<std::unique_ptr<StampRecorder>> StampRecorder::create(const ChannelState& channel,
                                                             ParticipantName owner,
                                                             layout::StampRole role,
                                                             std::optional<Stamps> wish) {
  const Stamps mode = wish.value_or(channel.options.stamps);
  if (mode == Stamps::off) return nullptr;
  if (!channel.stamps.valid()) {
    return fail(Errc::bad_argument,
                "channel \"%s\" was made by a version without stamps; leave the option out, or "
                "make the channel anew",
                channel.name.c_str());
  }
  const auto clock = Clock::open(channel.domain->directory.fd());
  if (!clock) return Failure(clock.error());
  remove_gone_recorders(channel, kGoneKept - 1);
  auto built = NewSegment::create(channel.stamps.get(), plan_for(channel, owner));
  if (!built) return Failure(built.error());
  auto mapping = Mapping::of(built->fd(), 0, built->size(), Access::write);
  if (!mapping) return Failure(mapping.error());
  hide_from_forks_and_dumps(mapping->data(), mapping->size());
  const std::uint32_t number =
      channel.domain->recorders_made.fetch_add(1, std::memory_order_relaxed);
  const auto shift = static_cast<unsigned>(std::countr_zero(channel.options.stamp_every));
  const unsigned own_shift = mode == Stamps::all ? 0 : shift;
  std::unique_ptr<StampRecorder> made(new StampRecorder(*clock, own_shift));
  made->mapping_ = std::move(*mapping);
  made->watch_ = Watched(made->mapping_.data(), made->mapping_.size(), Access::write);
  layout::StampFile& file = file_at(made->mapping_.data());
  file.incarnation = owner.incarnation;
  file.id = owner.id;
  file.number = number;
  file.role = static_cast<std::uint32_t>(role);
  file.clock = static_cast<std::uint32_t>(clock->source());
  file.slots = channel.options.stamp_records;
  file.shift = own_shift;
  made->view_ = StampView(
      reinterpret_cast<layout::StampSlot*>(made->mapping_.data() + sizeof(layout::StampFile)),
      channel.options.stamp_records);
  made->ring_ = StampWriter<StampView>(made->view_);
  MILLRACE_CRASH_POINT("recorder-file.built");
  const std::string name = to_string(RecorderName{owner, number});
  if (auto linked = built->link(channel.stamps.get(), name.c_str()); !linked) {
    return Failure(linked.error());
  }
  MILLRACE_CRASH_POINT("recorder-file.linked");
  return made;
}

StampRecorder::~StampRecorder() {
  if (!guard_.foreign()) file_at(mapping_.data()).left.store(1, std::memory_order_relaxed);
}

std::optional<std::vector<RecorderName>> recorder_names(const ChannelState& channel) {
  std::vector<RecorderName> found;
  if (!channel.stamps.valid()) return found;
  const bool complete = for_each_name(channel.stamps.get(), [&](std::string_view name) {
    if (const auto recorder = parse_reader_name(name)) found.push_back(*recorder);
  });
  return complete ? std::optional(std::move(found)) : std::nullopt;
}

Result<Segment> open_recorder(const ChannelState& channel, const RecorderName& name) {
  auto opened = Segment::open(channel.stamps.get(), to_string(name).c_str(),
                              {.kind = layout::FileKind::stamps,
                               .fingerprint = layout::kStampFingerprint,
                               .bytes_min = layout::stamp_file_bytes(layout::kStampRecordsMin),
                               .bytes_max = layout::stamp_file_bytes(layout::kStampRecordsMax)},
                              Access::read);
  if (!opened) return opened;
  if (same_user(channel, name.participant, opened->fd())) return opened;
  return fail(Errc::format,
              "channel \"%s\": the flight recorder %s belongs to another user than the participant "
              "of that name; remove it",
              channel.name.c_str(), to_string(name).c_str());
}

std::size_t remove_gone_recorders(const ChannelState& channel, std::size_t kept) {
  struct Gone {
    timespec made;
    std::string file;
  };

  const auto names = recorder_names(channel);
  if (!names || names->size() <= kept) return 0;
  std::vector<Gone> gone;
  for (const RecorderName& name : *names) {
    struct stat status {};

    std::string file = to_string(name);
    const int fd = channel.stamps.get();
    if (!is_gone(channel, name) || fstatat(fd, file.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    gone.push_back({status.st_ctim, std::move(file)});
  }
  if (gone.size() <= kept) return 0;
  std::ranges::sort(gone, [](const Gone& a, const Gone& b) {
    return a.made.tv_sec != b.made.tv_sec ? a.made.tv_sec < b.made.tv_sec
                                          : a.made.tv_nsec < b.made.tv_nsec;
  });
  std::size_t removed = 0;
  for (std::size_t i = 0; i + kept < gone.size(); ++i) {
    // What is another user's may stay: the directory is sticky.
    if (unlinkat(channel.stamps.get(), gone[i].file.c_str(), 0) == 0) ++removed;
  }
  return removed;
}

}  // namespace millrace::detail
