// Source: the HdrHistogram project's V2 encoding; anchors "measurement" section 3.
#include "millrace/bench/hlog.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cinttypes>
#include <cstdio>

#ifdef MILLRACE_HAVE_ZLIB
#include <zlib.h>
#endif

namespace millrace::bench {

namespace {

constexpr std::uint32_t kEncoded = 0x1c849303 | 0x10;
constexpr std::uint32_t kCompressed = 0x1c849304 | 0x10;

// Their layout for two significant digits: 256 cells of width 1, then 128 for every doubling.
constexpr int kDigits = 2;
constexpr unsigned kSubBits = 8;
constexpr std::uint64_t kLowest = 1;
constexpr std::uint64_t kHighest = std::uint64_t{1} << 36;

using Text = std::string;

template <class T>
void put_big_endian(Text& to, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    to.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift));
}

// ZigZag LEB128 of 64 bits: nine bytes at most, the ninth holds eight bits.
void put_zigzag(Text& to, std::int64_t value) {
  std::uint64_t left =
      (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (int byte = 0; byte < 8; ++byte) {
    if (left < 0x80) {
      to.push_back(static_cast<char>(left));
      return;
    }
    to.push_back(static_cast<char>((left & 0x7f) | 0x80));
    left >>= 7;
  }
  to.push_back(static_cast<char>(left));
}

std::size_t their_cell(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value | 0xff));
  const unsigned shift = width - kSubBits;
  return (std::size_t{shift} << (kSubBits - 1)) + static_cast<std::size_t>(value >> shift);
}

std::vector<std::uint64_t> their_counts(HistogramView histogram) {
  std::vector<std::uint64_t> counts;
  for (std::size_t cell = 0; cell < layout::kHistogramCells; ++cell) {
    const std::uint64_t count = histogram.in_cell(cell);
    if (count == 0) continue;
    const std::uint64_t first = HistogramView::cell_first_ns(cell);
    const bool last = cell + 1 == layout::kHistogramCells;
    const std::uint64_t middle =
        last ? histogram.max_ns() : first + (HistogramView::cell_last_ns(cell) - first) / 2;
    const std::size_t theirs = their_cell(std::min(middle, kHighest - 1));
    if (theirs >= counts.size()) counts.resize(theirs + 1);
    counts[theirs] += count;
  }
  return counts;
}

Text encoded(HistogramView histogram) {
  Text counts;
  const auto cells = their_counts(histogram);
  for (std::size_t cell = 0; cell < cells.size();) {
    if (cells[cell] != 0) {
      put_zigzag(counts, static_cast<std::int64_t>(cells[cell++]));
      continue;
    }
    std::int64_t zeros = 0;
    for (; cell < cells.size() && cells[cell] == 0; ++cell)
      ++zeros;
    put_zigzag(counts, -zeros);
  }
  Text text;
  put_big_endian(text, kEncoded);
  put_big_endian(text, static_cast<std::uint32_t>(counts.size()));
  put_big_endian(text, std::uint32_t{0});  // normalizing index offset
  put_big_endian(text, std::uint32_t{kDigits});
  put_big_endian(text, kLowest);
  put_big_endian(text, kHighest);
  put_big_endian(text, std::bit_cast<std::uint64_t>(1.0));
  return text + counts;
}

Text base64(const Text& bytes) {
  static constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Text text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t each = 0; each < 3; ++each) {
      const unsigned char byte = each < count ? static_cast<unsigned char>(bytes[at + each]) : 0;
      group = group << 8 | byte;
    }
    for (std::size_t each = 0; each < 4; ++each)
      text.push_back(each <= count ? kLetters[group >> (18 - 6 * each) & 63] : '=');
  }
  return text;
}

}  // namespace

#ifdef MILLRACE_HAVE_ZLIB
Result<std::string> hlog_payload(HistogramView histogram) {
  const Text plain = encoded(histogram);
  uLongf length = compressBound(plain.size());
  Text packed(length, '\0');
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &length,
               reinterpret_cast<const Bytef*>(plain.data()), plain.size()) != Z_OK) {
    return fail(Errc::system, "zlib could not compress a histogram");
  }
  packed.resize(length);
  Text text;
  put_big_endian(text, kCompressed);
  put_big_endian(text, static_cast<std::uint32_t>(length));
  return base64(text + packed);
}
#else
Result<std::string> hlog_payload(HistogramView) {
  return fail(Errc::unsupported,
              "no .hlog: this program was built without zlib; install zlib1g-dev and build anew");
}
#endif

Result<std::string> hlog_text(std::uint64_t began_wall_ns, const std::string& comment,
                              const std::vector<HlogRow>& rows) {
  std::array<char, 256> line{};
  const double began_s = static_cast<double>(began_wall_ns) / 1e9;
  std::string text = "#[" + comment + "]\n#[Histogram log format version 1.3]\n";
  std::snprintf(line.data(), line.size(), "#[StartTime: %.3f (seconds since epoch)]\n", began_s);
  text += line.data();
  text +=
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
  for (const HlogRow& row : rows) {
    auto payload = hlog_payload(row.histogram);
    if (!payload) return Failure(payload.error());
    std::snprintf(line.data(), line.size(), ",%.3f,%.3f,%.3f,", row.start_s, row.length_s,
                  static_cast<double>(row.histogram.max_ns()) / 1e6);
    text += "Tag=" + row.tag + line.data() + *payload + "\n";
  }
  return text;
}

}  // namespace millrace::bench
