// InputBuffer reads a file, a pipe or standard input piece by piece. It never holds more than the
// longest message needs, whatever the size of the input, and gives up waiting as soon as the end is
// requested (signals.hpp).
//
// Thread rules: one thread.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

class InputBuffer {
 public:
  // "-" is standard input. Errors: not_found, no_permission, bad_argument (a directory).
  [[nodiscard]] static Result<InputBuffer> open(const std::string& path);

  // What was read and not yet consumed. Valid until more() or rewind().
  [[nodiscard]] std::string_view view() const noexcept {
    return {bytes_.data() + begin_, end_ - begin_};
  }

  // REQUIRES count <= view().size().
  void consume(std::size_t count) noexcept { begin_ += count; }

  // Reads more behind view(); waits for it. False at the end of the input, and when the end was
  // requested.
  [[nodiscard]] Result<bool> more();

  // Can it be read from the beginning again? True for files.
  [[nodiscard]] bool rewindable() const noexcept { return rewindable_; }

  // Back to where the input began. REQUIRES rewindable().
  [[nodiscard]] Result<void> rewind();

  // Reads the rest of a pipe into memory of its own, which can be rewound.
  [[nodiscard]] Result<void> keep();

  // For sentences: the path, or "standard input".
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  explicit InputBuffer(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] bool wait_for_input() const;

  std::string name_;
  Descriptor owned_;  // what open() opened; not standard input
  int fd_ = -1;
  bool rewindable_ = false;
  off_t origin_ = 0;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace millrace::tools
