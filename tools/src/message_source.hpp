// MessageSource cuts an input into messages.
//
//   lines    one message a line, without its newline; an empty line is an empty message
//   csv      one message a row, its bytes as they stand (quoted newlines stay inside), without its
//            newline; every row has as many columns as the first; the first row is a header, and
//            left out, if none of its fields is a number; empty lines are left out
//   ndjson   one message a line, which must be JSON; empty lines are left out
//   frames   a length of 4 bytes, little-endian, and so many bytes: any bytes at all
//   bytes:N  pieces of N bytes; the last may be shorter
//
// Thread rules: one thread.
#pragma once

#include "input_buffer.hpp"
#include "millrace/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace millrace::tools {

struct InputFormat {
  enum class Kind : std::uint8_t { lines, csv, ndjson, frames, bytes };

  Kind kind = Kind::lines;
  std::uint64_t piece_bytes = 0;  // of Kind::bytes
};

// Error bad_argument: the formats there are.
[[nodiscard]] Result<InputFormat> parse_input_format(std::string_view text);

class MessageSource {
 public:
  MessageSource(InputBuffer input, InputFormat format, std::uint64_t ring_bytes) noexcept;

  // The next message, valid until the next call; nothing at the end of the input, and when the end
  // was requested. Errors: too_big (for the ring), bad_argument (not what the format says), both
  // with the place.
  [[nodiscard]] Result<std::optional<std::string_view>> next();

  // From the beginning again. REQUIRES input().rewindable().
  [[nodiscard]] Result<void> rewind();

  [[nodiscard]] InputBuffer& input() noexcept { return input_; }

  // Rows left out as headers; empty lines are not counted.
  [[nodiscard]] bool skipped_header() const noexcept { return skipped_header_; }

 private:
  using Found = Result<std::optional<std::string_view>>;

  Found cut_next();
  Found next_line();
  Found next_row();
  Found next_json();
  Found next_frame();
  Found next_piece();

  // Up to the first newline that `closes` accepts, or the rest of the input.
  template <class Closes>
  Found cut(Closes closes);

  // At least `count` bytes in view, unless the input ends before.
  [[nodiscard]] Result<bool> gather(std::size_t count);

  [[nodiscard]] Found give(std::size_t length, std::size_t with_separator);
  [[nodiscard]] Failure too_big(std::uint64_t length, bool at_least) const;

  InputBuffer input_;
  InputFormat format_;
  std::uint64_t ring_bytes_;
  std::uint64_t longest_;
  std::uint64_t number_ = 0;  // lines, rows, frames or pieces begun
  std::size_t columns_ = 0;   // of the first row
  bool skipped_header_ = false;
};

}  // namespace millrace::tools
