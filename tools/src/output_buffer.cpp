#include "output_buffer.hpp"

#include "signals.hpp"

#include <array>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

// False when the end is requested and there is still no room.
bool wait_for_room() {
  std::array<pollfd, 2> waits = {{{STDOUT_FILENO, POLLOUT, 0}, {end_descriptor(), POLLIN, 0}}};
  for (;;) {
    const int ready = poll(waits.data(), waits.size(), -1);
    if (ready < 0 && errno != EINTR) return true;
    if (ready > 0 && waits[0].revents != 0) return true;
    if (end_requested()) return false;
  }
}

}  // namespace

void OutputBuffer::flush() {
  std::string_view rest = text_;
  while (open_ && !rest.empty() && wait_for_room()) {
    const ssize_t wrote = write(STDOUT_FILENO, rest.data(), rest.size());
    if (wrote >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno != EINTR && errno != EAGAIN) {
      open_ = false;
      if (errno != EPIPE) os_error_ = errno;
    }
  }
  text_.clear();
}

bool OutputBuffer::open() noexcept {
  pollfd reader{STDOUT_FILENO, 0, 0};
  if (open_ && poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0) open_ = false;
  return open_;
}

}  // namespace millrace::tools
