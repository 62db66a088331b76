// OutputBuffer collects what goes to standard output and writes it in large pieces, or at once
// when nothing more is there to be collected. A reader that went away is no error: it has what it
// wanted.
//
// Thread rules: one thread. Nobody else writes to standard output meanwhile.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::tools {

class OutputBuffer {
 public:
  // For appending. Ask settle() now and then.
  [[nodiscard]] std::string& text() noexcept { return text_; }

  // Writes if much has gathered.
  void settle() {
    if (text_.size() >= kPieceBytes) flush();
  }

  // Writes everything; waits for the reader. Gives up when the end is requested or nobody reads.
  void flush();

  // Does anybody still read? Looks at the pipe itself, so an idle writer learns it too.
  [[nodiscard]] bool open() noexcept;

  // errno if writing failed for another reason than a reader that went away (a full disk), else 0.
  [[nodiscard]] int os_error() const noexcept { return os_error_; }

 private:
  static constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

  std::string text_;
  bool open_ = true;
  int os_error_ = 0;
};

}  // namespace millrace::tools
