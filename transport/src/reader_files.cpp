#include "reader_files.hpp"

#include "directory_names.hpp"
#include "file_modes.hpp"
#include "lane_placement.hpp"
#include "millrace/core/crash_point.hpp"

#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>

namespace millrace::detail {

// If not, it would be waited for as long as that one lives, whatever becomes of its maker. A
// participant without a file is dead, and the probe says so.
bool same_user(const ChannelState& channel, ParticipantName participant, int file) noexcept {
  struct stat own {};

  struct stat owner {};

  const std::string path =
      std::string(kParticipantsDirectory) + "/" + millrace::to_string(participant);
  if (fstat(file, &own) != 0) return false;
  const int looked =
      fstatat(channel.domain->directory.fd(), path.c_str(), &owner, AT_SYMLINK_NOFOLLOW);
  return looked != 0 || own.st_uid == owner.st_uid;
}

std::string to_string(const ReaderName& name) {
  return millrace::to_string(name.participant) + "." + std::to_string(name.number);
}

std::optional<ReaderName> parse_reader_name(std::string_view text) noexcept {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto participant = parse_participant_name(text.substr(0, dot));
  const std::string_view digits = text.substr(dot + 1);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (!participant || error != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return ReaderName{*participant, number};
}

std::optional<std::vector<ReaderName>> reader_names(const ChannelState& channel) {
  std::vector<ReaderName> found;
  const bool complete = for_each_name(channel.readers.get(), [&](std::string_view name) {
    if (const auto reader = parse_reader_name(name)) found.push_back(*reader);
  });
  return complete ? std::optional(std::move(found)) : std::nullopt;
}

Result<ReaderFiles> ReaderFiles::open(const ChannelState& channel, const ReaderName& name) {
  auto segment = Segment::open(channel.readers.get(), to_string(name).c_str(),
                               {.kind = layout::FileKind::reader,
                                .fingerprint = layout::kReaderFingerprint,
                                .bytes_min = layout::reader_file_bytes(places(channel.options)),
                                .bytes_max = layout::reader_file_bytes(places(channel.options))},
                               Access::read);
  if (!segment) return Failure(segment.error());
  if (!same_user(channel, name.participant, segment->fd())) {
    return fail(
        Errc::format,
        "channel \"%s\": the reader %s belongs to another user than the participant of that "
        "name, so nobody waits for it; remove it",
        channel.name.c_str(), to_string(name).c_str());
  }
  auto mapping = Mapping::of(segment->fd(), 0, segment->size(), Access::read);
  if (!mapping) return Failure(mapping.error());
  ReaderFiles made;
  made.name_ = name;
  made.mapping_ = std::move(*mapping);
  made.watch_ = Watched(made.mapping_.data(), made.mapping_.size(), Access::read);
  made.lossy_ = (made.file().mode & layout::kReaderLossy) != 0;
  return made;
}

Result<ReaderFiles> ReaderFiles::create(const ChannelState& channel, const ReaderName& name,
                                        bool lossy, bool fencing) {
  SegmentPlan plan;
  plan.kind = layout::FileKind::reader;
  plan.fingerprint = layout::kReaderFingerprint;
  plan.file_bytes = layout::reader_file_bytes(places(channel.options));
  plan.mode = reader_mode(channel.options.mode);
  plan.group = channel.options.group;
  plan.creator_incarnation = name.participant.incarnation;
  auto built = NewSegment::create(channel.readers.get(), plan);
  if (!built) return Failure(built.error());
  if (!same_user(channel, name.participant, built->fd())) {
    return fail(Errc::no_permission,
                "channel \"%s\": this process has become another user since it entered the domain, "
                "and its reader would be nobody's to wait for; open the domain anew",
                channel.name.c_str());
  }
  ReaderFiles made;
  made.name_ = name;
  made.lossy_ = lossy;
  auto mapping = Mapping::of(built->fd(), 0, built->size(), Access::write);
  if (!mapping) return Failure(mapping.error());
  hide_from_forks_and_dumps(mapping->data(), mapping->size());
  made.mapping_ = std::move(*mapping);
  made.watch_ = Watched(made.mapping_.data(), made.mapping_.size(), Access::write);
  layout::ReaderFile& file = made.file();
  file.incarnation = name.participant.incarnation;
  file.id = name.participant.id;
  file.number = name.number;
  file.kind = static_cast<std::uint32_t>(layout::ReaderKind::subscriber);
  file.mode = lossy ? layout::kReaderLossy : 0;
  file.lanes = places(channel.options);
  if (const auto node = node_here()) file.node = *node + 1;
  file.fencing.store(fencing ? 1 : 0, std::memory_order_relaxed);  // not linked yet
  made.set_state(layout::ReaderState::joining);
  MILLRACE_CRASH_POINT("reader.built");
  if (auto linked = built->link(channel.readers.get(), to_string(name).c_str()); !linked) {
    return Failure(linked.error());
  }
  MILLRACE_CRASH_POINT("reader.linked");
  return made;
}

}  // namespace millrace::detail
