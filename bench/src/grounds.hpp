// What both processes of a restart share, made before they part and never by way of the transport:
// the words they give each other orders with, the bare words, the rings of others, and the files of
// the core lanes. Every restart has its own.
//
// Writers: the leader gives orders and the first bare word of each pair; the follower reports and
// writes the second.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"
#include "rival_rings.hpp"
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
  alignas(256) std::atomic<std::uint64_t> wrong{0};
  alignas(256) std::atomic<std::uint64_t> leader_ready{0};
  alignas(256) std::atomic<std::uint64_t> follower_ready{0};
  alignas(256) std::atomic<std::uint64_t> plant_line{0};  // the second shared line of Plant::line
  // By window, then leader and follower.
  std::array<std::array<SideCount, 2>, kWindows> counts{};
};

// A piece of shared memory of its own, with a T in it.
template <class T>
class SharedPiece {
 public:
  SharedPiece() noexcept = default;

  [[nodiscard]] static Result<SharedPiece> make() noexcept;

  T& operator*() const noexcept { return *piece_; }

  T* operator->() const noexcept { return piece_.get(); }

 private:
  struct Unmap {
    void operator()(T* piece) const noexcept;
  };

  std::unique_ptr<T, Unmap> piece_;
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
  SharedPiece<BareWords> bare_null;
  SharedPiece<FixedRing> fixed;
  SharedPiece<FixedRing> fixed_null;
  SharedPiece<FixedRing> sequencer;
  SharedPiece<BoostRing> boost_there;
  SharedPiece<BoostRing> boost_back;
  SharedPiece<BoostRing> boost_stream;
  SharedPiece<BoostRing> boost_stream_run;
  std::array<LaneGround, 3> lanes;  // there, back, stream
};

}  // namespace millrace::bench
