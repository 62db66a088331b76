#include "terminal.hpp"

#include "millrace/core/clock.hpp"
#include "signals.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l";  // the other screen, no cursor
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";
constexpr const char* kHome = "\x1b[H";
constexpr const char* kClearLine = "\x1b[K";
constexpr const char* kClearBelow = "\x1b[J";

struct Size {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

Size size_of_terminal() noexcept {
  winsize found{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_row == 0) return {};
  return {found.ws_row, found.ws_col};
}

}  // namespace

Terminal::Terminal(bool draw) noexcept : drawing_(draw && isatty(STDOUT_FILENO) == 1) {
  if (!drawing_) return;
  keys_ = isatty(STDIN_FILENO) == 1 && tcgetpgrp(STDIN_FILENO) == getpgrp() &&
          tcgetattr(STDIN_FILENO, &before_) == 0;
  if (keys_) {
    termios single = before_;
    // Signals stay: Ctrl-C is how most people end it.
    single.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys_ = tcsetattr(STDIN_FILENO, TCSANOW, &single) == 0;
  }
  std::fputs(kEnter, stdout);
}

Terminal::~Terminal() {
  if (!drawing_) return;
  std::fputs(kLeave, stdout);
  std::fflush(stdout);
  if (keys_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

void Terminal::show(const std::string& screen) {
  if (!drawing_) {
    std::fputs(screen.c_str(), stdout);
    std::fflush(stdout);
    return;
  }
  const Size size = size_of_terminal();
  std::string drawn = kHome;
  std::size_t begin = 0;
  for (std::size_t row = 0; row + 1 < size.rows && begin < screen.size(); ++row) {
    std::size_t end = screen.find('\n', begin);
    if (end == std::string::npos) end = screen.size();
    drawn += screen.substr(begin, std::min(end - begin, size.columns)) + kClearLine + "\r\n";
    begin = end + 1;
  }
  drawn += kClearBelow;
  std::fputs(drawn.c_str(), stdout);
  std::fflush(stdout);
}

bool Terminal::wait(std::chrono::nanoseconds duration) noexcept {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  const std::uint64_t due_ns = monotonic_ns() + static_cast<std::uint64_t>(duration.count());
  std::array<pollfd, 2> waits = {{{end_descriptor(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (!end_requested()) {
    const auto left_ns = static_cast<std::int64_t>(due_ns - monotonic_ns());
    if (left_ns <= 0) return true;
    const timespec time{left_ns / kSecondNs, left_ns % kSecondNs};
    if (ppoll(waits.data(), keys_ ? 2 : 1, &time, nullptr) <= 0 || !keys_) continue;
    char key = 0;
    if ((waits[1].revents & POLLIN) != 0 && read(STDIN_FILENO, &key, 1) <= 0) keys_ = false;
    if ((waits[1].revents & (POLLHUP | POLLERR)) != 0) keys_ = false;
    if (key == 'q' || key == 'Q' || key == '\x1b') return false;
  }
  return false;
}

}  // namespace millrace::tools
