#include "message_source.hpp"

#include "csv_row.hpp"
#include "millrace/core/limits.hpp"
#include "signals.hpp"
#include "size_argument.hpp"

#include <bit>
#include <cinttypes>
#include <nlohmann/json.hpp>

namespace millrace::tools {
namespace {

constexpr std::size_t kFrameLengthBytes = 4;

const char* unit_of(InputFormat::Kind kind) {
  switch (kind) {
    case InputFormat::Kind::frames: return "frame";
    case InputFormat::Kind::bytes: return "piece";
    default: return "line";
  }
}

}  // namespace

Result<InputFormat> parse_input_format(std::string_view text) {
  using Kind = InputFormat::Kind;
  if (text == "lines") return InputFormat{Kind::lines, 0};
  if (text == "csv") return InputFormat{Kind::csv, 0};
  if (text == "ndjson") return InputFormat{Kind::ndjson, 0};
  if (text == "frames") return InputFormat{Kind::frames, 0};
  if (text.starts_with("bytes:")) {
    const auto bytes = parse_size(text.substr(6));
    if (!bytes) return Failure(bytes.error());
    if (*bytes != 0) return InputFormat{Kind::bytes, *bytes};
  }
  return fail(Errc::bad_argument,
              "\"%.*s\" is no format; take lines, csv, ndjson, frames or bytes:N with N above 0",
              static_cast<int>(text.size()), text.data());
}

MessageSource::MessageSource(InputBuffer input, InputFormat format,
                             std::uint64_t ring_bytes) noexcept
    : input_(std::move(input)),
      format_(format),
      ring_bytes_(ring_bytes),
      longest_(message_bytes_max(ring_bytes)) {}

Result<void> MessageSource::rewind() {
  number_ = 0;
  columns_ = 0;
  return input_.rewind();
}

MessageSource::Found MessageSource::next() {
  auto found = cut_next();
  // Who is asked to end has stopped reading somewhere, perhaps in the middle of a message.
  if (end_requested()) return std::nullopt;
  return found;
}

MessageSource::Found MessageSource::cut_next() {
  switch (format_.kind) {
    case InputFormat::Kind::lines: return next_line();
    case InputFormat::Kind::csv: return next_row();
    case InputFormat::Kind::ndjson: return next_json();
    case InputFormat::Kind::frames: return next_frame();
    case InputFormat::Kind::bytes: break;
  }
  return next_piece();
}

Failure MessageSource::too_big(std::uint64_t length, bool at_least) const {
  const std::uint64_t longer = length + (at_least ? kRecordAlign : 0);
  const std::uint64_t needed = std::bit_ceil((longer + 2 * kHeaderBytes) * kRecordsPerRingMin);
  return fail(Errc::too_big,
              "%s %" PRIu64 " of %s has %s%" PRIu64 " bytes, and a ring of %" PRIu64
              " bytes takes messages of at most %" PRIu64 "; take a channel with --ring %" PRIu64
              " or more",
              unit_of(format_.kind), number_, input_.name().c_str(), at_least ? "more than " : "",
              length, ring_bytes_, longest_, needed);
}

MessageSource::Found MessageSource::give(std::size_t length, std::size_t with_separator) {
  if (length > longest_) return too_big(length, false);
  const std::string_view message = input_.view().substr(0, length);
  input_.consume(with_separator);
  return message;
}

template <class Closes>
MessageSource::Found MessageSource::cut(Closes closes) {
  ++number_;
  std::size_t seen = 0;
  for (;;) {
    for (;;) {
      const std::size_t newline = input_.view().find('\n', seen);
      if (newline == std::string_view::npos) break;
      if (closes(input_.view().substr(seen, newline - seen))) return give(newline, newline + 1);
      seen = newline + 1;
    }
    const std::size_t length = input_.view().size();
    if (length > longest_) return too_big(longest_, true);
    // What is left over is looked at once more with the rest, so `seen` stays where it is.
    const auto more = input_.more();
    if (!more) return Failure(more.error());
    if (!*more) return length == 0 ? Found(std::nullopt) : give(length, length);
  }
}

MessageSource::Found MessageSource::next_line() {
  return cut([](std::string_view) { return true; });
}

MessageSource::Found MessageSource::next_row() {
  for (;;) {
    bool quoted = false;
    auto row = cut([&quoted](std::string_view piece) {
      quoted = quotes_open(piece, quoted);
      return !quoted;
    });
    if (!row || !*row) return row;
    if ((**row).empty() || **row == "\r") continue;
    const std::size_t columns = count_columns(**row);
    if (columns_ == 0) {
      columns_ = columns;
      if (looks_like_header(**row)) {
        skipped_header_ = true;
        continue;
      }
    }
    if (columns != columns_) {
      return fail(Errc::bad_argument,
                  "row %" PRIu64
                  " of %s has %zu columns, the first has %zu; mend the file, or "
                  "take --format lines",
                  number_, input_.name().c_str(), columns, columns_);
    }
    return row;
  }
}

MessageSource::Found MessageSource::next_json() {
  for (;;) {
    auto line = next_line();
    if (!line || !*line) return line;
    if ((**line).find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (nlohmann::json::accept((**line).begin(), (**line).end())) return line;
    return fail(Errc::bad_argument,
                "line %" PRIu64 " of %s is not JSON; mend the file, or take --format lines",
                number_, input_.name().c_str());
  }
}

Result<bool> MessageSource::gather(std::size_t count) {
  while (input_.view().size() < count) {
    const auto more = input_.more();
    if (!more || !*more) return more;
  }
  return true;
}

MessageSource::Found MessageSource::next_frame() {
  ++number_;
  const auto header = gather(kFrameLengthBytes);
  if (!header) return Failure(header.error());
  if (!*header && input_.view().empty()) return std::nullopt;
  std::uint64_t length = 0;
  if (*header) {
    for (std::size_t byte = 0; byte < kFrameLengthBytes; ++byte) {
      length |= std::uint64_t{static_cast<unsigned char>(input_.view()[byte])} << (8 * byte);
    }
    if (length > longest_) return too_big(length, false);
    const auto body = gather(kFrameLengthBytes + length);
    if (!body) return Failure(body.error());
    if (*body) {
      input_.consume(kFrameLengthBytes);
      return give(length, length);
    }
  }
  return fail(Errc::bad_argument,
              "%s ends in the middle of frame %" PRIu64
              "; a frame is a little-endian length of 4 bytes and so many bytes",
              input_.name().c_str(), number_);
}

MessageSource::Found MessageSource::next_piece() {
  ++number_;
  if (format_.piece_bytes > longest_) return too_big(format_.piece_bytes, false);
  const auto whole = gather(format_.piece_bytes);
  if (!whole) return Failure(whole.error());
  const std::size_t length = *whole ? format_.piece_bytes : input_.view().size();
  if (length == 0) return std::nullopt;
  return give(length, length);
}

}  // namespace millrace::tools
