#include "lane_placement.hpp"

#include "millrace/core/topology.hpp"
#include "reader_files.hpp"

namespace millrace::detail {

namespace {

std::optional<std::uint32_t> node_of_a_subscriber(const ChannelState& channel) {
  const auto names = reader_names(channel);
  if (!names) return std::nullopt;
  for (const ReaderName& name : *names) {
    if (probe(channel.domain->directory.fd(), name.participant).life == Life::dead) continue;
    const auto reader = ReaderFiles::open(channel, name);
    if (reader && reader->node()) return reader->node();
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> node_here() {
  const auto node = node_of_cpu(current_cpu());
  return node ? std::optional<std::uint32_t>(*node) : std::nullopt;
}

Placement resolve_placement(const ChannelState& channel) {
  const Placement wish = channel.options.placement;
  std::optional<std::uint32_t> node;
  if (wish.kind == Placement::Kind::publisher) node = node_here();
  if (wish.kind == Placement::Kind::subscriber) node = node_of_a_subscriber(channel);
  if (node) return Placement::on_node(*node);
  const bool near =
      wish.kind == Placement::Kind::publisher || wish.kind == Placement::Kind::subscriber;
  return near ? Placement::anywhere() : wish;
}

void follow_subscriber(LaneFiles& lane, std::uint32_t node) noexcept {
  layout::LaneControl& control = lane.control();
  // One mapping is enough: the policy, and the pages, belong to the file.
  const std::size_t bytes = lane.ring.ring_bytes();
  const auto bound = move_memory(lane.ring.data(), bytes, Placement::on_node(node));
  control.asked_node = node;
  control.honoured =
      bound ? honoured(verify_memory(lane.ring.data(), bytes, *bound)) : std::uint32_t{0};
}

std::uint32_t honoured(const PlacementReport& report) noexcept {
  if (!report.honoured) return 0;
  return report.verified || report.asked.kind == Placement::Kind::any ? 1 : 2;
}

}  // namespace millrace::detail
