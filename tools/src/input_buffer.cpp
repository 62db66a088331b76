#include "input_buffer.hpp"

#include "signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace

Result<InputBuffer> InputBuffer::open(const std::string& path) {
  InputBuffer input(path == "-" ? "standard input" : path);
  if (path == "-") {
    input.fd_ = STDIN_FILENO;
  } else {
    input.owned_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!input.owned_.valid()) return fail_os(errno, "cannot read %s", path.c_str());
    input.fd_ = input.owned_.get();
  }

  struct stat status {};

  if (fstat(input.fd_, &status) != 0) return fail_os(errno, "cannot read %s", input.name_.c_str());
  if (S_ISDIR(status.st_mode)) {
    return fail(Errc::bad_argument, "%s is a directory; name a file, or - for standard input",
                input.name_.c_str());
  }
  if (S_ISREG(status.st_mode)) {
    input.origin_ = lseek(input.fd_, 0, SEEK_CUR);
    input.rewindable_ = input.origin_ >= 0;
  }
  return input;
}

bool InputBuffer::wait_for_input() const {
  std::array<pollfd, 2> waits = {{{fd_, POLLIN, 0}, {end_descriptor(), POLLIN, 0}}};
  // A descriptor that cannot be polled is readable by definition.
  while (!end_requested()) {
    const int ready = poll(waits.data(), waits.size(), -1);
    if (ready < 0 && errno != EINTR) return true;
    if (ready > 0 && waits[0].revents != 0) return true;
  }
  return false;
}

Result<bool> InputBuffer::more() {
  if (begin_ != 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() - end_ < kPieceBytes) bytes_.resize(end_ + std::max(end_, kPieceBytes));
  for (;;) {
    if (rewindable_ ? end_requested() : !wait_for_input()) return false;
    const ssize_t got = read(fd_, bytes_.data() + end_, bytes_.size() - end_);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_os(errno, "cannot read %s", name_.c_str());
    end_ += static_cast<std::size_t>(got);
    return got > 0;
  }
}

Result<void> InputBuffer::rewind() {
  begin_ = end_ = 0;
  if (lseek(fd_, origin_, SEEK_SET) < 0) {
    return fail_os(errno, "cannot read %s again", name_.c_str());
  }
  return {};
}

Result<void> InputBuffer::keep() {
  Descriptor memory(memfd_create("millrace-input", MFD_CLOEXEC));
  if (!memory.valid()) return fail_os(errno, "cannot keep %s in memory", name_.c_str());
  for (;;) {
    if (!write_all(memory.get(), view())) {
      return fail_os(errno, "cannot keep %s in memory", name_.c_str());
    }
    consume(view().size());
    const auto got = more();
    if (!got) return Failure(got.error());
    if (!*got) break;
  }
  owned_ = std::move(memory);
  fd_ = owned_.get();
  rewindable_ = true;
  origin_ = 0;
  return rewind();
}

}  // namespace millrace::tools
