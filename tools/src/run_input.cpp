#include "run_input.hpp"

#include "millrace/core/headroom.hpp"
#include "millrace/core/limits.hpp"
#include "signals.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace millrace::tools {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::uint64_t kHeadroomStep = std::uint64_t{64} << 20;

// The whole of `bytes`, or an error.
Result<void> write_all(int fd, const void* from, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(from);
  while (bytes != 0) {
    const ssize_t wrote = write(fd, at, bytes);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_os(errno, "cannot keep the input in memory");
    at += wrote;
    bytes -= static_cast<std::size_t>(wrote);
  }
  return {};
}

// Waits until something can be read. False: the user wants to end.
bool await_input(int fd) {
  pollfd both[2] = {{fd, POLLIN, 0}, {end_descriptor(), POLLIN, 0}};
  while (!end_requested()) {
    if (::poll(both, 2, -1) < 0 && errno != EINTR) return true;  // the read will say what is wrong
    if (both[0].revents != 0) return !end_requested();
  }
  return false;
}

}  // namespace

RunInput::RunInput(std::string name, Descriptor data, std::uint64_t bytes) noexcept
    : name_(std::move(name)), data_(std::move(data)), bytes_(bytes) {}

Result<RunInput> RunInput::open(const std::string& name) {
  const bool standard = name == "-";
  Descriptor file(standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                           : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail_os(errno, "cannot open the input %s", name.c_str());

  struct stat status {};

  if (fstat(file.get(), &status) != 0) return fail_os(errno, "cannot read %s", name.c_str());
  if (S_ISDIR(status.st_mode)) {
    return fail(Errc::bad_argument, "the input %s is a directory; name a file, or - for stdin",
                name.c_str());
  }
  // Files of /proc and the like say 0 bytes and deliver more: those are read like a pipe.
  const bool plain = S_ISREG(status.st_mode) && !standard;
  return RunInput(name, std::move(file), plain ? static_cast<std::uint64_t>(status.st_size) : 0);
}

Result<void> RunInput::read() {
  if (bytes_ == 0) {
    if (auto spooled = spool(); !spooled) return spooled;
  }
  if (bytes_ == 0) {
    return fail(Errc::bad_argument, "the input %s is empty: there is nothing to publish",
                name_ == "-" ? "from stdin" : name_.c_str());
  }
  return index();
}

Result<void> RunInput::spool() {
  Descriptor memory(memfd_create("millrace-input", MFD_CLOEXEC));
  if (!memory.valid()) return fail_os(errno, "cannot make memory for the input");
  std::vector<std::byte> piece(kPieceBytes);
  std::uint64_t checked = 0;
  for (;;) {
    if (!await_input(data_.get())) {
      return fail(Errc::bad_argument, "stopped while reading the input %s", name_.c_str());
    }
    const ssize_t got = ::read(data_.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_os(errno, "cannot read the input %s", name_.c_str());
    if (got == 0) break;
    const auto more = static_cast<std::size_t>(got);
    if (bytes_ + more > checked) {
      if (auto fits = check_headroom(memory.get(), kHeadroomStep, {}); !fits) return fits;
      checked += kHeadroomStep;
    }
    if (auto kept = write_all(memory.get(), piece.data(), more); !kept) return kept;
    bytes_ += more;
  }
  data_ = std::move(memory);
  return {};
}

Result<void> RunInput::index() {
  const auto mapped = MappedBytes::map(data_.get(), bytes_);
  if (!mapped) return fail(mapped.error().code(), "cannot map the input %s", name_.c_str());
  lengths_ = Descriptor(memfd_create("millrace-lines", MFD_CLOEXEC));
  if (!lengths_.valid()) return fail_os(errno, "cannot make memory for the lines of the input");
  std::vector<std::uint32_t> lengths;
  const std::byte* at = mapped->data();
  const std::byte* const end = at + bytes_;
  while (at != end) {
    const auto rest = static_cast<std::size_t>(end - at);
    const auto* const newline = static_cast<const std::byte*>(std::memchr(at, '\n', rest));
    const std::uint64_t length = newline == nullptr ? rest : static_cast<std::size_t>(newline - at);
    ++lines_;
    if (length > longest_) {
      longest_ = length;
      longest_line_ = lines_;
    }
    lengths.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(length, UINT32_MAX)));
    if (lengths.size() == kPieceBytes || newline == nullptr || newline + 1 == end) {
      auto kept = write_all(lengths_.get(), lengths.data(), lengths.size() * sizeof(lengths[0]));
      if (!kept) return kept;
      lengths.clear();
    }
    at = newline == nullptr ? end : newline + 1;
  }
  return {};
}

Result<void> RunInput::check_fits(std::uint64_t ring_bytes, std::size_t frame_bytes) const {
  const std::uint64_t needed = longest_ + frame_bytes;
  if (needed <= message_bytes_max(ring_bytes)) return {};
  const std::uint64_t ring = std::bit_ceil((needed + 2 * kHeaderBytes) * kRecordsPerRingMin);
  if (needed > message_bytes_max(kRingBytesMax)) {
    return fail(Errc::too_big,
                "line %" PRIu64 " of %s has %" PRIu64
                " bytes, no message may be so "
                "long; is it a file of lines?",
                longest_line_, name_.c_str(), longest_);
  }
  return fail(Errc::too_big,
              "line %" PRIu64 " of %s has %" PRIu64 " bytes, and a ring of %" PRIu64
              " bytes carries messages of at most %" PRIu64 "; take --ring %" PRIu64,
              longest_line_, name_.c_str(), longest_, ring_bytes,
              message_bytes_max(ring_bytes) - frame_bytes, ring);
}

Result<MappedBytes> MappedBytes::map(int fd, std::uint64_t bytes) {
  const auto length = static_cast<std::size_t>(bytes);
  if (length == 0) return MappedBytes(nullptr, 0);
  void* const at = mmap(nullptr, length, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (at == MAP_FAILED) return fail_os(errno, "cannot map the input");
  return MappedBytes(static_cast<const std::byte*>(at), length);
}

MappedBytes::MappedBytes(MappedBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}

MappedBytes::~MappedBytes() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), bytes_);
}

}  // namespace millrace::tools
