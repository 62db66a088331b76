// What both processes of a restart share, made before they part and never by way of the transport:
// the words they give each other orders with, the bare words, the rings of others, and the files of
// the core lanes. Every restart has its own.
//
// Writers: the leader gives orders and the first bare word of each pair; the follower reports and
// writes the second.
#pragma once

#include "copy_ring.hpp"
#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"
#include "rival_rings.hpp"
#include "shared_piece.hpp"
#include "subject.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace millrace::bench {

// Two words, 256 bytes apart.
struct BareWords {
  alignas(256) std::atomic<std::uint64_t> there{0};
  alignas(256) std::atomic<std::uint64_t> back{0};
};

// The same walking on, as a ring does: every trip has a line of its own, and comes back to it after
// all the others.
struct BareWalk {
  static constexpr std::size_t kLines = 64;

  struct Line {
    alignas(256) std::atomic<std::uint64_t> word{0};
  };

  std::array<Line, kLines> there;
  std::array<Line, kLines> back;
};

// The words of one trip.
inline auto& there_of(BareWords& words, std::uint64_t) noexcept {
  return words.there;
}

inline auto& back_of(BareWords& words, std::uint64_t) noexcept {
  return words.back;
}

inline auto& there_of(BareWalk& words, std::uint64_t count) noexcept {
  return words.there[count % BareWalk::kLines].word;
}

inline auto& back_of(BareWalk& words, std::uint64_t count) noexcept {
  return words.back[count % BareWalk::kLines].word;
}

using KiloRing = CopyRing<kKilo, kKiloRingBytes>;
using LargeRing = CopyRing<kLarge, kLargeRingBytes>;

// How often markers are set (counted_run.hpp).
inline constexpr std::size_t kWindows = 4;

// What one process counted between two of its markers.
struct SideCount {
  std::uint64_t allocations = 0;
  std::uint64_t page_faults = 0;
};

struct Orders {
  static constexpr std::uint64_t kQuit = 0xff;

  alignas(256) std::atomic<std::uint64_t> order{0};  // number << 8 | subject, or kQuit
  alignas(256) std::atomic<std::uint64_t> messages{0};
  alignas(256) std::atomic<std::uint64_t> counted{0};
  alignas(256) std::atomic<std::uint64_t> done{0};
  alignas(256) std::atomic<std::uint64_t> arrived{0};  // how far a follower that reads has come
  alignas(256) std::atomic<std::uint64_t> latency{0};  // ns of the last wake; 0: it was awake
  alignas(256) std::atomic<std::uint64_t> gap_ns{0};   // of the generator of Kind::latency
  alignas(256) std::atomic<std::uint64_t> leader_ready{0};
  alignas(256) std::atomic<std::uint64_t> follower_ready{0};
  alignas(256) std::atomic<std::uint64_t> plant_line{0};  // the second shared line of Plant::line
  // By window, then leader and follower.
  std::array<std::array<SideCount, 2>, kWindows> counts{};
};

// A core lane's file: one page of control words, then the ring. A reader's place lies in memory of
// its own, as it does in a channel.
struct LaneGround {
  Descriptor file;
  SharedPiece<BareWords> places;  // `there`: the reader's position
};

struct Grounds {
  [[nodiscard]] static Result<Grounds> make(std::string domain_path);

  std::string domain;
  SharedPiece<Orders> orders;
  SharedPiece<BareWords> bare;
  SharedPiece<BareWords> bare_pause;
  SharedPiece<BareWalk> bare_walk;
  SharedPiece<BareWords> bare_null;
  SharedPiece<FixedRing> fixed;
  SharedPiece<FixedRing> fixed_null;
  SharedPiece<FixedRing> sequencer;
  SharedPiece<BoostRing> boost_there;
  SharedPiece<BoostRing> boost_back;
  SharedPiece<BoostRing> boost_stream;
  SharedPiece<BoostRing> boost_stream_run;
  SharedPiece<KiloRing> copy_1k;
  SharedPiece<KiloRing> copy_1k_null;
  SharedPiece<LargeRing> copy_64k;
  SharedPiece<LargeRing> copy_64k_null;
  SharedPiece<BareWords> futex;
  SharedPiece<BareWords> futex_null;
  std::array<LaneGround, 9> lanes;  // there, back, stream, then those of Kind::latency
};

}  // namespace millrace::bench
