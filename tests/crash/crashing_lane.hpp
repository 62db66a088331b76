// One lossless lane with one reader, whose producer is killed at every store that it makes. After
// each kill a successor takes over, sometimes dies at once itself, and goes on; the reader must
// find exactly the committed messages.
#pragma once

#include "crash_memory.hpp"
#include "millrace/core/lane_reader.hpp"
#include "millrace/core/lane_recovery.hpp"
#include "millrace/core/limit.hpp"

#include <random>
#include <string>
#include <vector>

namespace millrace::crash {

// The payload of a message: whole words, many of which look like headers.
using Words = std::vector<std::uint64_t>;

class PlaceOfReader {
 public:
  Position place = 0;

  [[nodiscard]] std::uint64_t generation() const { return 1; }

  void refresh() {}

  [[nodiscard]] Position slowest(Position floor) const { return place < floor ? kNoReader : place; }
};

class CrashingLane {
 public:
  CrashingLane(Flaw flaw, std::uint64_t ring_bytes, std::uint64_t seed);
  CrashingLane(const CrashingLane&) = delete;
  CrashingLane& operator=(const CrashingLane&) = delete;

  // Publishes some batches, each of them killed at every store first. False: broken() says how.
  bool run(int operations);

  [[nodiscard]] std::uint64_t kills() const { return kills_; }

  [[nodiscard]] const std::string& broken() const { return broken_; }

 private:
  struct State {
    CrashRing ring;
    LaneWriter<CrashMemory> writer;
    LimitKeeper<CrashMemory, PlaceOfReader> keeper;
    LaneReader<CrashMemory> reader;
    PlaceOfReader place;
  };

  bool kill_everywhere(const std::vector<Words>& batch, bool gives_up);
  bool publish(const std::vector<Words>& batch, bool gives_up);
  bool make_room(std::uint64_t length);
  bool take_over(const std::vector<Words>& batch, Checkpoint before);
  bool limit_is_right();
  bool drain(std::size_t messages);
  bool goes_on(std::mt19937_64& random);
  bool fail(const char* how);
  std::vector<Words> random_batch(std::mt19937_64& random) const;

  State now_;
  CrashLane lane_;
  std::vector<Words> sent_;
  std::mt19937_64 random_;
  std::uint64_t kills_ = 0;
  std::string broken_;
};

}  // namespace millrace::crash
