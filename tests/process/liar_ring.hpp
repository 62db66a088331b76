// Lies in the ring of a liar's own lane: records that nobody published, records of other lanes, and
// headers a little beside the truth.
#pragma once

#include "process/liar_hand.hpp"

#include <string>

namespace millrace::liar {

class RingLies {
 public:
  RingLies(Values& values, std::string channel, std::uint64_t ring_bytes)
      : values_(values), channel_(std::move(channel)), ring_bytes_(ring_bytes) {}

  // One lie in the lane `own`.
  void lie(const Hand& own);

  // Some in the words of the channel's one order.
  void lie_in_order(const Hand& order);

 private:
  void copy_of_another(const Hand& own);
  void header_beside_the_truth(const Hand& own);
  void all_of_a_kind(const Hand& own);
  void noise(const Hand& own);

  Values& values_;
  std::string channel_;
  std::uint64_t ring_bytes_;
};

}  // namespace millrace::liar
