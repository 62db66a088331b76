// Where a recorder takes records from: a lane of a durable channel, or all lanes of another one.
// Each gets its turn at the item that is being built.
//
// Thread rules: the recorder's thread.
#pragma once

#include "millrace/core/position.hpp"
#include "millrace/persist/journal.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

enum class Taken : std::uint8_t {
  nothing,    // there is nothing to be had
  later,      // there is something, and not in this turn
  some,       // went into the item
  item_full,  // there is something, and the item has no room for it
};

struct Take {
  Taken what = Taken::nothing;
  std::uint64_t messages = 0;  // that are whole in this item or end in it
  std::uint64_t bytes = 0;
};

// The cause of a GapRecord.
enum class GapCause : std::uint32_t {
  down = 1,
  full = 2,
  poisoned = 3,
  detached = 4,
  overtaken = 5
};

// What goes wrong with one lane while the others go on: each sentence is kept once.
class RecorderNotes {
 public:
  void add(std::string_view sentence) {
    if (refused.size() < kMost && std::ranges::find(refused, sentence) == refused.end()) {
      refused.emplace_back(sentence);
    }
  }

  std::vector<std::string> refused;
  std::uint64_t gaps = 0;  // messages that could not be journaled

 private:
  static constexpr std::size_t kMost = 256;
};

class RecorderSource {
 public:
  RecorderSource() = default;
  RecorderSource(const RecorderSource&) = delete;
  RecorderSource& operator=(const RecorderSource&) = delete;
  virtual ~RecorderSource() = default;

  // Moves what is there into the item that `journal` is building, about `most` bytes of it.
  virtual Take take(Journal& journal, std::size_t most) = 0;

  // End of what take() has moved so far.
  [[nodiscard]] virtual Checkpoint taken() const noexcept = 0;

  // Everything before `point`, as taken() once said, is durable.
  virtual void durable(Checkpoint point) noexcept = 0;

  [[nodiscard]] virtual std::size_t lanes() const noexcept { return 1; }

  // A recorder that is about to end wants what was published until this moment and no more.
  virtual void begin_drain() noexcept = 0;
  [[nodiscard]] virtual bool drained() const noexcept = 0;

  // Index among the points of the item being built; the recorder's own.
  static constexpr std::size_t kNoPoint = SIZE_MAX;
  std::size_t own_point = kNoPoint;
};

}  // namespace millrace
