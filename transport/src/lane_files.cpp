#include "lane_files.hpp"

#include "directory_names.hpp"
#include "file_modes.hpp"
#include "lane_placement.hpp"
#include "millrace/core/checkpoints.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/hugetlbfs.hpp"
#include "millrace/core/unique_number.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::detail {

namespace {

// The ring of a lane on huge pages is a file of its own on a hugetlbfs; its name says whose it is.
std::string huge_name(const ChannelState& channel, std::uint32_t lane, std::uint64_t epoch) {
  std::uint64_t high = 0;
  std::memcpy(&high, channel.uuid.data(), sizeof high);
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "millrace-%016" PRIx64 "-lane-%u-%016" PRIx64, high, lane,
                epoch);
  return text.data();
}

Result<Descriptor> open_huge_directory(const ChannelState& channel) {
  const char* const path = channel.options.huge_dir.c_str();
  Descriptor directory(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.valid()) return directory;
  return fail_os(errno, "channel \"%s\" keeps its rings on huge pages, but %s cannot be opened",
                 channel.name.c_str(), path);
}

SegmentPlan lane_plan(const ChannelState& channel, Placement placement, const LaneOrder& order) {
  SegmentPlan plan;
  const bool huge = channel.options.pages == Pages::huge;
  plan.kind = layout::FileKind::lane;
  plan.fingerprint = layout::kLaneFingerprint;
  plan.file_bytes = kPageBytes + (huge ? 0 : channel.options.ring_bytes);
  plan.data_bytes = huge ? 0 : channel.options.ring_bytes;
  plan.data_offset = kPageBytes;
  plan.placement = huge ? Placement::anywhere() : placement;
  plan.prefault = channel.options.prefault;
  plan.mode =
      order.waiting ? waiting_lane_mode(channel.options.mode) : lane_mode(channel.options.mode);
  plan.group = channel.options.group;
  plan.creator_incarnation = order.owner.incarnation;
  return plan;
}

Result<NewSegment> create_huge_ring(const ChannelState& channel, int directory, Placement placement,
                                    const LaneOrder& order) {
  SegmentPlan plan = lane_plan(channel, placement, order);
  plan.kind = layout::FileKind::lane_data;
  plan.file_bytes = kHugePageBytes + channel.options.ring_bytes;
  plan.data_bytes = channel.options.ring_bytes;
  plan.data_offset = kHugePageBytes;
  plan.page_bytes = kHugePageBytes;
  plan.placement = placement;
  return NewSegment::create(directory, plan);
}

void fill_control(layout::LaneControl& control, const ChannelState& channel, std::uint32_t lane,
                  const LaneOrder& order) {
  std::memcpy(control.producer_name, order.producer.data(),
              std::min(order.producer.size(), kNameBytes - 1));
  // All relaxed: nobody else can see the file before it is linked.
  control.owner_incarnation.store(order.owner.incarnation, std::memory_order_relaxed);
  control.owner_id.store(order.owner.id, std::memory_order_relaxed);
  control.lane = lane;
  control.epoch = unique_number();
  control.first_sequence = order.first;
  control.life.store(order.waiting ? 0 : 1, std::memory_order_relaxed);
  const auto state = order.waiting ? layout::LaneState::left : layout::LaneState::live;
  control.state.store(static_cast<std::uint32_t>(state), std::memory_order_relaxed);
  control.fencing.store(order.fencing ? 1 : 0, std::memory_order_relaxed);
  control.asked_kind = static_cast<std::uint32_t>(channel.options.placement.kind);
  control.page_kind = static_cast<std::uint32_t>(channel.options.pages);
}

Result<void> map_ring(LaneFiles& lane, const ChannelState& channel, int fd, std::uint64_t offset,
                      Access access) {
  const bool huge = channel.options.pages == Pages::huge;
  auto ring = RingMapping::of(fd, offset, channel.options.ring_bytes, access, huge);
  if (!ring) return Failure(ring.error());
  lane.ring = std::move(*ring);
  lane.view = LaneView(&lane.control(), lane.ring.data(), channel.options.ring_bytes);
  lane.control_watch = Watched(lane.control_page.data(), lane.control_page.size(), access);
  lane.ring_watch = Watched(lane.ring.data(), 2 * channel.options.ring_bytes, access);
  return {};
}

Result<void> map_control(LaneFiles& lane, int fd, Access access) {
  auto control = Mapping::of(fd, 0, kPageBytes, access);
  if (!control) return Failure(control.error());
  hide_from_forks_and_dumps(control->data(), control->size());
  lane.control_page = std::move(*control);
  lane.epoch = lane.control().epoch;
  lane.first = lane.control().first_sequence;
  std::array<char, kNameBytes> name{};
  std::memcpy(name.data(), lane.control().producer_name, name.size() - 1);
  lane.producer = name.data();
  return {};
}

Result<void> open_huge_ring(LaneFiles& lane, const ChannelState& channel, Access access) {
  auto directory = open_huge_directory(channel);
  if (!directory) return Failure(directory.error());
  const std::string name = huge_name(channel, lane.lane, lane.epoch);
  auto segment = Segment::open(directory->get(), name.c_str(),
                               {.kind = layout::FileKind::lane_data,
                                .fingerprint = layout::kLaneFingerprint,
                                .bytes_min = kHugePageBytes + channel.options.ring_bytes,
                                .bytes_max = kHugePageBytes + channel.options.ring_bytes,
                                .page_bytes = kHugePageBytes},
                               access);
  if (!segment) return Failure(segment.error());
  lane.file_bytes += segment->size();
  return map_ring(lane, channel, segment->fd(), kHugePageBytes, access);
}

// Writer's side only: brings the ring in, and keeps it in, as the options ask.
Result<void> settle(const LaneFiles& lane, const ChannelOptions& options) {
  if (options.prefault) {
    if (auto done = lane.ring.prefault(); !done) return done;
  }
  return options.lock ? lane.ring.lock_memory() : Result<void>();
}

}  // namespace

std::string lane_name(std::uint32_t lane) {
  return "lane-" + std::to_string(lane);
}

std::string lane_lock_name(std::uint32_t lane) {
  return lane_name(lane) + ".own";
}

std::optional<std::uint32_t> parse_lane_name(std::string_view name) noexcept {
  constexpr std::string_view kBefore = "lane-";
  if (!name.starts_with(kBefore)) return std::nullopt;
  name.remove_prefix(kBefore.size());
  std::uint32_t lane = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), lane);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (name.size() > 1 && name.front() == '0') return std::nullopt;
  return lane < kLanesMax ? std::optional(lane) : std::nullopt;
}

std::vector<std::uint32_t> lane_numbers(const ChannelState& channel) {
  std::vector<std::uint32_t> found;
  for_each_name(channel.directory.get(), [&](std::string_view name) {
    const auto lane = parse_lane_name(name);
    if (lane && *lane < channel.options.lanes_max) found.push_back(*lane);
  });
  std::sort(found.begin(), found.end());
  return found;
}

Result<LaneFiles> open_lane(const ChannelState& channel, std::uint32_t number, Access access) {
  const bool huge = channel.options.pages == Pages::huge;
  const std::uint64_t ring_bytes = channel.options.ring_bytes;
  auto segment = Segment::open(channel.directory.get(), lane_name(number).c_str(),
                               {.kind = layout::FileKind::lane,
                                .fingerprint = layout::kLaneFingerprint,
                                .bytes_min = kPageBytes + (huge ? 0 : ring_bytes),
                                .bytes_max = kPageBytes + (huge ? 0 : ring_bytes)},
                               access);
  if (!segment) return Failure(segment.error());
  LaneFiles lane;
  lane.lane = number;
  lane.file_bytes = segment->size();
  if (auto mapped = map_control(lane, segment->fd(), access); !mapped) {
    return Failure(mapped.error());
  }
  const std::uint64_t offset = lane.control().data_offset;
  if (lane.epoch == 0 || lane.control().lane != number || offset != (huge ? 0 : kPageBytes)) {
    return fail(Errc::poisoned, "channel \"%s\": lane %u contradicts its own name; remove it",
                channel.name.c_str(), number);
  }
  auto mapped = huge ? open_huge_ring(lane, channel, access)
                     : map_ring(lane, channel, segment->fd(), offset, access);
  if (!mapped) return Failure(mapped.error());
  if (access == Access::read && channel.options.prefault) {
    if (auto done = lane.ring.prefault(); !done) return Failure(done.error());
  }
  return lane;
}

void give_to_creator(const ChannelState& channel, int fd) noexcept {
  struct stat creator {};

  if (geteuid() != 0 || fstat(channel.directory.get(), &creator) != 0) return;
  // Refused: publishers are told so when they open it.
  if (creator.st_uid != 0) (void)fchown(fd, creator.st_uid, static_cast<gid_t>(-1));
}

Result<LaneFiles> create_lane(const ChannelState& channel, std::uint32_t number,
                              const LaneOrder& order) {
  const Placement placement = resolve_placement(channel);
  auto built = NewSegment::create(channel.directory.get(), lane_plan(channel, placement, order));
  if (!built) return Failure(built.error());
  if (order.waiting) give_to_creator(channel, built->fd());
  auto& control = *reinterpret_cast<layout::LaneControl*>(built->data());
  fill_control(control, channel, number, order);
  control.honoured = honoured(built->placement());
  control.asked_node = placement.kind == Placement::Kind::node ? placement.node : kNodeUnknown;
  control.data_offset = kPageBytes;
  LaneFiles lane;
  lane.lane = number;
  lane.file_bytes = built->size();
  std::optional<NewSegment> ring;
  Descriptor huge_directory;
  if (channel.options.pages == Pages::huge) {
    auto directory = open_huge_directory(channel);
    if (!directory) return Failure(directory.error());
    huge_directory = std::move(*directory);
    auto made = create_huge_ring(channel, huge_directory.get(), placement, order);
    if (!made) return Failure(made.error());
    if (order.waiting) give_to_creator(channel, made->fd());
    ring.emplace(std::move(*made));
    control.honoured = honoured(ring->placement());
    control.data_offset = 0;
    lane.file_bytes += ring->size();
  }
  if (auto mapped = map_control(lane, built->fd(), Access::write); !mapped) {
    return Failure(mapped.error());
  }
  auto mapped = ring ? map_ring(lane, channel, ring->fd(), kHugePageBytes, Access::write)
                     : map_ring(lane, channel, built->fd(), kPageBytes, Access::write);
  if (!mapped) return Failure(mapped.error());
  if (auto settled = settle(lane, channel.options); !settled) return Failure(settled.error());
  Checkpoints<ProductionMemory>::write(lane.view, {0, order.first, order.ordinal});
  if (ring) {
    const std::string name = huge_name(channel, number, lane.epoch);
    if (auto linked = ring->link(huge_directory.get(), name.c_str()); !linked) {
      return Failure(linked.error());
    }
  }
  MILLRACE_CRASH_POINT("lane.built");
  if (auto linked = built->link(channel.directory.get(), lane_name(number).c_str()); !linked) {
    return Failure(linked.error());
  }
  MILLRACE_CRASH_POINT("lane.linked");
  return lane;
}

void remove_lane(const ChannelState& channel, const LaneFiles& lane) noexcept {
  // [sync:lane-state] Release: who sees the end sees every record before it.
  lane.control().state.store(static_cast<std::uint32_t>(layout::LaneState::retired),
                             std::memory_order_release);
  MILLRACE_CRASH_POINT("lane.retired");
  unlinkat(channel.directory.get(), lane_name(lane.lane).c_str(), 0);
  MILLRACE_CRASH_POINT("lane.unlinked");
  if (channel.options.pages == Pages::huge) {
    if (auto directory = open_huge_directory(channel)) {
      unlinkat(directory->get(), huge_name(channel, lane.lane, lane.epoch).c_str(), 0);
    }
  }
  channel.lanes_changed();
}

}  // namespace millrace::detail
