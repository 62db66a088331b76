// Counts instructions and the shared cache lines that they touch, exactly and without hardware
// counters: the processor's trap flag stops this thread after every instruction, and while
// lines are counted the shared mappings are closed, so that every access to them is seen.
//
// For one thread of a process that does nothing else, on x86-64. Not under sanitizers.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::bench {

[[nodiscard]] bool steps_countable() noexcept;

// Instructions between begin and end, without those of the counting.
void begin_steps() noexcept;
[[nodiscard]] std::uint64_t end_steps() noexcept;

// Closes all shared mappings of files whose path begins with `directory`. Between begin and end,
// next_message() says that the lines of another message follow.
void begin_lines(const std::string& directory);
void next_message() noexcept;

// Distinct lines of 64 bytes, summed over the messages; by the first byte of each access.
[[nodiscard]] std::uint64_t end_lines() noexcept;

}  // namespace millrace::bench
