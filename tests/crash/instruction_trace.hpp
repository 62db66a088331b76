// One run of an operation, instruction by instruction: where each one is, and which image of shared
// memory it leaves behind. Point k is the moment after k instructions.
#pragma once

#include <cstdint>
#include <vector>

namespace millrace::crash {

struct TracedStep {
  std::uint64_t code;   // address of the instruction that comes next at this point
  std::uint32_t times;  // how often it comes by, counted from 1; 0: a string instruction goes on
  std::uint32_t image;  // number of the image of shared memory at this point
  std::uint32_t call;   // 1: the next instruction is a system call
};

// Lies in memory that the recording child shares with its parent.
struct InstructionTrace {
  static constexpr std::size_t kStepsMax = 400'000;

  TracedStep* steps = nullptr;
  std::uint32_t* count = nullptr;

  // Points are 0 to size() - 1; the last one is the end of the operation.
  [[nodiscard]] std::uint32_t size() const { return *count; }

  [[nodiscard]] std::uint32_t images() const { return steps[size() - 1].image + 1; }

  [[nodiscard]] std::uint32_t calls() const;

  // Is shared memory another than one instruction before?
  [[nodiscard]] bool new_image(std::uint32_t point) const {
    return point == 0 || steps[point].image != steps[point - 1].image;
  }

  // Does somebody else see something new here, or did a system call just begin or end?
  [[nodiscard]] bool distinct(std::uint32_t point) const;
};

// The cheapest way to a point: a breakpoint that is passed so many times, and single steps.
struct Approach {
  std::uint32_t anchor = 0;
  std::uint32_t steps = 0;
};

[[nodiscard]] Approach approach_to(const InstructionTrace& trace, std::uint32_t point);

}  // namespace millrace::crash
