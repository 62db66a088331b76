#include "instruction_trace.hpp"

namespace millrace::crash {

std::uint32_t InstructionTrace::calls() const {
  std::uint32_t found = 0;
  for (std::uint32_t point = 0; point < size(); ++point)
    found += steps[point].call;
  return found;
}

bool InstructionTrace::distinct(std::uint32_t point) const {
  if (new_image(point) || point + 1 == size()) return true;
  return steps[point].call != 0 || steps[point - 1].call != 0;
}

// A stop at a breakpoint costs about as much as a step, so both count one.
Approach approach_to(const InstructionTrace& trace, std::uint32_t point) {
  std::uint64_t cheapest = ~std::uint64_t{0};
  Approach best;
  for (std::uint32_t anchor = point; point - anchor < cheapest; --anchor) {
    const std::uint32_t times = anchor == 0 ? 1 : trace.steps[anchor].times;
    const std::uint64_t cost = std::uint64_t{point - anchor} + times;
    if (times != 0 && cost < cheapest) {
      cheapest = cost;
      best = {anchor, point - anchor};
    }
    if (anchor == 0) break;
  }
  return best;
}

}  // namespace millrace::crash
