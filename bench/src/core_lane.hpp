// A lane of core between two processes, without channel, participants or error text: what the API
// adds is the difference to the rows of the transport. Reading follows the same rules as a
// subscriber: it gives back an eighth of the ring at a time or when it runs dry, validates before
// that, and steps back after a run.
//
// One sender, one receiver, each in its process.
#pragma once

#include "grounds.hpp"
#include "millrace/core/cpu.hpp"
#include "millrace/core/lane_reader.hpp"
#include "millrace/core/lane_writer.hpp"
#include "millrace/core/limit.hpp"
#include "millrace/core/mapping.hpp"

#include <cstring>

namespace millrace::bench {

struct LaneMaps {
  [[nodiscard]] static Result<LaneMaps> of(const LaneGround& ground, Access access) noexcept;

  [[nodiscard]] LaneView view() const noexcept {
    return {reinterpret_cast<layout::LaneControl*>(control.data()), ring.data(), kRingBytes};
  }

  Mapping control;
  RingMapping ring;
};

class CoreSender {
 public:
  CoreSender(LaneMaps maps, BareWords& places) noexcept
      : maps_(std::move(maps)), writer_(maps_.view(), {0, 0}), reader_{places.there} {}

  void send(const std::byte* message) noexcept {
    if (!writer_.has_room(kStreamBytes)) [[unlikely]] {
      while (!keeper_.raise(writer_, writer_.limit_needed(kStreamBytes), reader_)) {
      }
    }
    std::memcpy(writer_.lane().payload(writer_.claim_position()), message, kStreamBytes);
    writer_.append(
        {.length = kStreamBytes, .type = RecordType::message, .sequence = 0, .flags = 0, .key = 0});
    writer_.publish();
  }

 private:
  // The one reader of the lane, as the limit's keeper sees it. It never comes or goes.
  struct OneReader {
    std::atomic<std::uint64_t>& place;

    [[nodiscard]] static std::uint64_t generation() noexcept { return 0; }

    static void refresh() noexcept {}

    [[nodiscard]] Position slowest(Position floor) const noexcept {
      // [sync:bench-place] Acquire: what is overwritten has been read.
      return std::max(floor, place.load(std::memory_order_acquire));
    }
  };

  LaneMaps maps_;
  LaneWriter<ProductionMemory> writer_;
  OneReader reader_;
  LimitKeeper<ProductionMemory, OneReader> keeper_;
};

// kStepsBack: as a subscriber does. Without it, it is what the guard row compares with.
template <bool kStepsBack>
class CoreReceiver {
 public:
  CoreReceiver(LaneMaps maps, BareWords& places) noexcept
      : maps_(std::move(maps)), reader_(maps_.view(), {0, 0}), place_(places.there) {}

  bool take(std::byte* out) noexcept {
    Record record;
    if (reader_.poll(record) != Poll::message) {
      dry();
      return false;
    }
    std::memcpy(out, reader_.lane().payload(record.position), kStreamBytes);
    reader_.advance(record);
    ++run_;
    if (reader_.position() - given_back_ >= kRingBytes / 8) give_back();
    return true;
  }

  template <class Sink>
  std::size_t drain(Sink&& sink, std::size_t most) noexcept {
    std::size_t done = 0;
    for (Record record; done != most; ++done) {
      if (reader_.poll(record) != Poll::message) {
        dry();
        return done;
      }
      sink(static_cast<const std::byte*>(reader_.lane().payload(record.position)), kStreamBytes);
      reader_.advance(record);
      ++run_;
    }
    if (reader_.position() - given_back_ >= kRingBytes / 8) give_back();
    return done;
  }

  // Runs that were overwritten while they were read; there must be none.
  [[nodiscard]] std::uint64_t torn() const noexcept { return torn_; }

 private:
  static constexpr std::uint32_t kRun = 8;
  static constexpr int kStepBack = 8;

  void give_back() noexcept {
    torn_ += reader_.validate() ? 0 : 1;
    reader_.release();
    given_back_ = reader_.position();
    // [sync:bench-place] Release. Without it the sender could overwrite what is being read.
    place_.store(given_back_, std::memory_order_release);
  }

  void dry() noexcept {
    if (given_back_ != reader_.position()) give_back();
    if (kStepsBack && run_ >= kRun) {
      for (int i = 0; i < kStepBack; ++i)
        cpu::pause();
    }
    run_ = 0;
  }

  LaneMaps maps_;
  LaneReader<ProductionMemory> reader_;
  std::atomic<std::uint64_t>& place_;
  Position given_back_ = 0;
  std::uint32_t run_ = 0;
  std::uint64_t torn_ = 0;
};

}  // namespace millrace::bench
