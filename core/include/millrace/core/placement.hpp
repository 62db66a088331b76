// Where memory was asked to live, and what became of the wish. Containers refuse the calls that
// bind memory and the calls that look where it is; both outcomes are reported, never ignored and
// never an error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace {

struct Placement {
  // The numbers stand in layouts: never renumber.
  enum class Kind : std::uint32_t {
    any = 0,         // wherever the kernel puts it: near whoever touches a page first
    node = 1,        // on one NUMA node, strictly
    interleave = 2,  // page by page over all nodes this process may use
    // On the node of whoever writes, or reads, the memory. They come to a node (of the processor it
    // runs on) where the maker knows who that is; bind_memory takes the node.
    publisher = 3,
    subscriber = 4,
  };

  Kind kind = Kind::any;
  unsigned node = 0;  // operating system number, for Kind::node

  static constexpr Placement anywhere() noexcept { return {}; }

  static constexpr Placement on_node(unsigned node) noexcept { return {Kind::node, node}; }

  static constexpr Placement interleaved() noexcept { return {Kind::interleave, 0}; }

  static constexpr Placement near_publisher() noexcept { return {Kind::publisher, 0}; }

  static constexpr Placement near_subscriber() noexcept { return {Kind::subscriber, 0}; }

  friend constexpr bool operator==(Placement, Placement) noexcept = default;
};

// Nodes with a higher number exist on no machine we know; their pages are counted as elsewhere.
inline constexpr std::size_t kNodesMax = 64;

struct PlacementReport {
  Placement asked;

  // The wish holds as far as we know: nothing was asked, or the binding was accepted and no page
  // was seen on a wrong node. Read it together with `verified`.
  bool honoured = false;

  // The pages were looked at. False means "cannot tell"; `why` says what stood in the way.
  bool verified = false;

  // Pages of kPageBytes looked at (a large mapping is sampled evenly): those in memory, those that
  // are not in memory yet, and how many of the former are on each node.
  std::uint64_t pages_seen = 0;
  std::uint64_t pages_absent = 0;
  std::array<std::uint64_t, kNodesMax> pages_on_node{};

  // One sentence for people when something was refused or differs, else empty.
  std::array<char, 192> why{};
};

}  // namespace millrace
