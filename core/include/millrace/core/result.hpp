// Every call that can be refused returns Result<T>: a value, or an Error that carries a code for
// programs and one sentence for people. The sentence names the thing and what to do about it.
//
// Errors are plain bytes: making, copying and returning one allocates nothing, so the message path
// may use them. Nothing in Millrace throws.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace millrace {

// The numbers are part of the interface (JSON output, exit codes): never renumber, only add.
enum class Errc : std::uint16_t {
  bad_argument = 1,          // the caller asked for something that cannot be
  not_found = 2,             // no such domain, channel, lane or file
  exists = 3,                // the name is taken
  no_permission = 4,         // owner, group or mode forbid it
  no_space = 5,              // file system, huge pages, node or memory cgroup cannot hold it
  too_many = 6,              // a table is full (participants, lanes)
  format = 7,                // other version, layout, byte order or unknown record type
  schema = 8,                // the channel carries another type
  unsupported = 9,           // this kernel, file system or container refuses it
  system = 10,               // a system call failed; os_error() says how
  busy = 11,                 // a living process owns it
  full = 20,                 // the ring has no room: the sentence names the slowest reader
  timeout = 21,              // the time given ran out
  closed = 22,               // every publisher has left, and all was read
  overrun = 23,              // the reader was lapped; lost() says by how many messages
  evicted = 24,              // the publisher gave up on this reader
  poisoned = 25,             // a peer broke its own lane (truncated file, impossible bytes)
  too_big = 26,              // the message does not fit the ring
  foreign = 27,              // used in a forked child: the object belongs to the parent
  no_readers = 28,           // require_readers is set and nobody listens
  journal_unavailable = 40,  // no journal has attached, or this program cannot read any
  journal_poisoned = 41,     // a write or flush failed: what was not yet durable is unknown
  damaged = 42,              // bytes of a journal are not as they were written
  trimmed = 43,              // retention has taken it; lost() says how much
  gap = 44,                  // never journaled; lost() says how much
  rewound = 45,              // the log ends before what this reader has seen
  // 100-199 belong to queues.
};

// The short name of a code, as printed in JSON ("no_space"). Never null.
[[nodiscard]] const char* to_string(Errc code) noexcept;

class Error {
 public:
  static constexpr std::size_t kSentenceBytes = 384;

  Error(Errc code, int os_error, std::string_view sentence) noexcept;

  [[nodiscard]] Errc code() const noexcept { return code_; }

  // errno of the refused system call, 0 if none was involved.
  [[nodiscard]] int os_error() const noexcept { return os_error_; }

  // One sentence, at most 383 bytes, no newline; valid as long as this Error.
  [[nodiscard]] std::string_view sentence() const noexcept { return {text_.data(), length_}; }

  // Messages lost to an overrun or eviction; 0 for every other code.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

  [[nodiscard]] Error with_lost(std::uint64_t messages) const noexcept {
    Error copy = *this;
    copy.lost_ = messages;
    return copy;
  }

 private:
  Errc code_;
  std::uint16_t length_;
  int os_error_;
  std::uint64_t lost_ = 0;
  std::array<char, kSentenceBytes> text_;
};

template <class T = void>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;

// `return fail(Errc::not_found, "no channel \"%s\" in %s: ...", name, dir);`
[[gnu::format(printf, 2, 3)]] Failure fail(Errc code, const char* format, ...) noexcept;

// The same for a refused system call: `: <strerror(os_error)>` is appended to the sentence, and the
// code is chosen from the errno (EACCES → no_permission, ENOSPC → no_space, ENOENT → not_found, …).
[[gnu::format(printf, 2, 3)]] Failure fail_os(int os_error, const char* format, ...) noexcept;

}  // namespace millrace
