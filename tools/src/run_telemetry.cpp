#include "run_telemetry.hpp"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace millrace::tools {
namespace {

struct Place {
  const char* path;
  const char* name;
};

constexpr Place kPlaces[] = {
    {"/proc/stat", "stat"},
    {"/proc/meminfo", "meminfo"},
    {"/proc/vmstat", "vmstat"},
    {"/proc/diskstats", "diskstats"},
    {"/proc/net/dev", "net"},
    {"/proc/interrupts", "interrupts"},
    {"/proc/pressure/cpu", "pressure.cpu"},
    {"/proc/pressure/io", "pressure.io"},
    {"/proc/pressure/memory", "pressure.memory"},
};

bool is_number(std::string_view token) noexcept {
  if (token.empty() || token.size() > 24) return false;
  return std::all_of(token.begin(), token.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == '-'; }) &&
         token != "-" && token != ".";
}

}  // namespace

std::string_view ReadingParser::take_token() noexcept {
  const std::size_t begin = line_.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    line_ = {};
    return {};
  }
  const std::size_t end = std::min(line_.find_first_of(" \t", begin), line_.size());
  const std::string_view token = line_.substr(begin, end - begin);
  line_.remove_prefix(end);
  return token;
}

void ReadingParser::lengthen_label(std::string_view token) noexcept {
  if (!token.empty() && token.back() == ':') token.remove_suffix(1);
  const std::size_t dot = label_bytes_ == 0 ? 0 : 1;
  if (label_bytes_ + dot + token.size() > label_.size()) return;
  if (dot != 0) label_[label_bytes_++] = '.';
  std::memcpy(label_.data() + label_bytes_, token.data(), token.size());
  label_bytes_ += token.size();
}

std::string_view ReadingParser::reading(std::string_view column, std::string_view value) noexcept {
  const int bytes = std::snprintf(
      text_.data(), text_.size(), "%.*s.%.*s%s%.*s %.*s %" PRIu64, static_cast<int>(source_.size()),
      source_.data(), static_cast<int>(label_bytes_), label_.data(), column.empty() ? "" : ".",
      static_cast<int>(std::min<std::size_t>(column.size(), 24)), column.data(),
      static_cast<int>(value.size()), value.data(), wall_ns_);
  return {text_.data(), std::min(static_cast<std::size_t>(bytes), text_.size() - 1)};
}

std::string_view ReadingParser::next() noexcept {
  for (;;) {
    const std::string_view token = take_token();
    if (token.empty()) {
      if (rest_.empty()) return {};
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      line_ = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      label_bytes_ = 0;
      column_ = 0;
      continue;
    }
    if (const std::size_t equals = token.find('='); equals != std::string_view::npos) {
      const std::string_view value = token.substr(equals + 1);
      if (is_number(value)) return reading(token.substr(0, equals), value);
    } else if (is_number(token)) {
      if (label_bytes_ == 0) continue;  // device numbers before the device's name
      std::array<char, 8> column{};
      const auto end = std::to_chars(column.data(), column.data() + column.size(), column_).ptr;
      const auto length = static_cast<std::size_t>(end - column.data());
      return reading(column_++ == 0 ? std::string_view() : std::string_view(column.data(), length),
                     token);
    } else if (column_ == 0) {
      lengthen_label(token);
    }
  }
}

Result<Telemetry> Telemetry::open() {
  Telemetry made;
  for (const Place& place : kPlaces) {
    Source source{place.name, Descriptor(::open(place.path, O_RDONLY | O_CLOEXEC))};
    char first = 0;
    // Some containers let a file be opened and then refuse to read it.
    if (!source.file.valid() || pread(source.file.get(), &first, 1, 0) != 1) continue;
    made.sources_.push_back(std::move(source));
  }
  if (made.sources_.empty()) {
    return fail(Errc::not_found,
                "no kernel counters can be read below /proc; replay a file: --input FILE");
  }
  return made;
}

std::string_view Telemetry::read(const Source& source) noexcept {
  std::size_t filled = 0;
  while (filled != buffer_.size()) {
    const ssize_t got = pread(source.file.get(), buffer_.data() + filled, buffer_.size() - filled,
                              static_cast<off_t>(filled));
    if (got <= 0) return {buffer_.data(), filled};
    filled += static_cast<std::size_t>(got);
  }
  const std::string_view all(buffer_.data(), filled);
  return all.substr(0, all.rfind('\n') + 1);
}

}  // namespace millrace::tools
