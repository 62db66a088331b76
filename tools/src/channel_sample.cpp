#include "channel_sample.hpp"

#include <algorithm>

namespace millrace::tools {

Result<ChannelSample> ChannelSample::take(const Channel& channel) {
  ChannelSample sample;
  sample.at_ns = monotonic_ns();
  auto stats = channel.stats();
  if (!stats) return Failure(stats.error());
  // In the middle of the reading: it takes longer where there are many lanes.
  sample.at_ns += (monotonic_ns() - sample.at_ns) / 2;
  sample.stats = std::move(*stats);
  return sample;
}

std::optional<LaneRate> rate_between(const ChannelSample& before, const ChannelSample& after,
                                     std::uint32_t lane) {
  const auto find = [lane](const ChannelStats& stats) {
    return std::find_if(stats.lanes.begin(), stats.lanes.end(),
                        [lane](const LaneStats& each) { return each.lane == lane; });
  };
  const auto first = find(before.stats);
  const auto second = find(after.stats);
  if (first == before.stats.lanes.end() || second == after.stats.lanes.end()) return std::nullopt;
  if (after.at_ns <= before.at_ns || second->sequence < first->sequence) return std::nullopt;
  const double seconds = static_cast<double>(after.at_ns - before.at_ns) / 1e9;
  return LaneRate{static_cast<double>(second->sequence - first->sequence) / seconds,
                  static_cast<double>(second->position - first->position) / seconds};
}

std::string describe(const PeerName& peer) {
  const std::string name = peer.name.empty() ? "participant " + std::to_string(peer.id) : peer.name;
  if (!peer.alive) return name + " (gone)";
  return peer.pid == 0 ? name : name + " (pid " + std::to_string(peer.pid) + ")";
}

std::size_t living_publishers(const ChannelStats& stats) {
  return static_cast<std::size_t>(std::count_if(
      stats.lanes.begin(), stats.lanes.end(),
      [](const LaneStats& lane) { return lane.life == LaneLife::live && !lane.poisoned; }));
}

std::size_t living_readers(const ChannelStats& stats) {
  return static_cast<std::size_t>(
      std::count_if(stats.readers.begin(), stats.readers.end(),
                    [](const ReaderFileStats& reader) { return reader.reader.alive; }));
}

std::uint64_t messages_published(const ChannelStats& stats) {
  std::uint64_t messages = 0;
  for (const LaneStats& lane : stats.lanes)
    messages += lane.sequence;
  return messages;
}

}  // namespace millrace::tools
