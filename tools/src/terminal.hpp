// A terminal that is redrawn in place and obeys single keys, and is given back as it was. Where
// standard output is no terminal, screens follow each other as plain text.
//
// Thread rules: one thread; one Terminal at a time.
#pragma once

#include <chrono>
#include <string>
#include <termios.h>

namespace millrace::tools {

class Terminal {
 public:
  // Without `draw` the terminal is left alone, and only wait() is of use.
  explicit Terminal(bool draw) noexcept;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  // Shows `screen`, one line after the other. On a terminal it takes the place of the one before,
  // and what does not fit is left out.
  void show(const std::string& screen);

  // Waits so long. False if the end was requested, by a signal or by the key q.
  [[nodiscard]] bool wait(std::chrono::nanoseconds duration) noexcept;

 private:
  bool drawing_ = false;  // standard output is a terminal
  bool keys_ = false;     // standard input is one, and in the foreground
  termios before_{};
};

}  // namespace millrace::tools
