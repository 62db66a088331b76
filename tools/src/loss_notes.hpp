// Tells on stderr what a reader lost while it goes on reading: the first loss at once, what follows
// summed up once a second, so that a flood of overruns does not become a flood of lines.
//
// Thread rules: one thread.
#pragma once

#include "millrace/core/result.hpp"

#include <cstdint>

namespace millrace::tools {

class LossNotes {
 public:
  // `json`: one object a line instead of sentences.
  explicit LossNotes(bool json) noexcept : json_(json) {}

  // An error after which the subscriber goes on: overrun, evicted, poisoned, format.
  void add(const Error& error);

  // Tells what has been held back.
  void flush();

 private:
  void tell(const char* code, std::uint64_t lost, const char* sentence, int length) const;

  bool json_;
  std::uint64_t told_ns_ = 0;
  std::uint64_t held_times_ = 0;
  std::uint64_t held_messages_ = 0;
};

}  // namespace millrace::tools
