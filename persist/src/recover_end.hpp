// Where the log ends: the last segments, item by item, until one is not as it should be.
//
// A lane's words count only once the item that carries them does. So an item waits until a later
// one proves it; at most `depth` of them wait, because no more can be in flight.
#pragma once

#include "evidence.hpp"
#include "lane_tracker.hpp"
#include "log_walk.hpp"
#include "recover_chain.hpp"
#include "recovered_log.hpp"

#include <deque>

namespace millrace {

// What the walk stopped at.
struct LogEnd {
  std::size_t index = 0;  // of the segment within the chain
  WalkPlace place;
  WalkEnd end = WalkEnd::stop;
  ItemState state = ItemState::whole;
};

// The number of the next item, if this one was given up: behind the accepted loss.
[[nodiscard]] ItemNumber beyond_losses(const layout::Manifest& manifest, ItemNumber item) noexcept;

class EndWalk {
 public:
  // `log.segments` has an entry for each of the chain.
  EndWalk(ItemReader& reader, const Chain& chain, Evidence& evidence, LaneTracker& lanes,
          RecoveredLog& log) noexcept
      : reader_(&reader), chain_(&chain), evidence_(&evidence), lanes_(&lanes), log_(&log) {}

  // From segment `first` of the chain to the first item that is none. Errors: format, damaged (a
  // lane's sequence is not continuous).
  Result<void> walk(std::size_t first);

  // The same by segments. True: the log goes on in the next one. False: end() tells why not; called
  // again, it tries that place again, which has a sense after a loss was accepted.
  void begin(std::size_t first);
  Result<bool> advance();

  struct Counts {
    std::uint64_t items = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };

  // Of what was accepted.
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

  [[nodiscard]] const LogEnd& end() const noexcept { return end_; }

  // Whole items that nothing has proven yet.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

  // Takes in the next of them. Errors: damaged. REQUIRES waiting() != 0.
  Result<void> accept_one();

  Result<void> accept_proven();

 private:
  struct Waiting {
    std::size_t index = 0;
    ItemFacts facts;
  };

  [[nodiscard]] bool step_over_loss(LogWalk& walk, ItemView& view) const;
  [[nodiscard]] bool go_on();
  Result<void> take(std::size_t index, const ItemView& view);

  ItemReader* reader_;
  const Chain* chain_;
  Evidence* evidence_;
  LaneTracker* lanes_;
  RecoveredLog* log_;
  LogEnd end_;
  std::deque<Waiting> waiting_;
  Counts counts_;
};

}  // namespace millrace
