#include "millrace/core/kernel_text.hpp"

#include "millrace/core/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <unistd.h>

namespace millrace::detail {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{1} << 20;

// mountinfo writes blanks and backslashes of a path as three octal digits.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned code = 0;
    const char* const digits = text.data() + at + 1;
    if (text[at] == '\\' && text.size() - at > 3 &&
        std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3) {
      plain.push_back(static_cast<char>(code));
      at += 3;
    } else {
      plain.push_back(text[at]);
    }
  }
  return plain;
}

// "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE SUPER_OPTIONS"
std::optional<Mount> parse_mount(std::string_view line) {
  Mount mount;
  mount.id = leading_number(cut(line, ' ')).value_or(0);
  static_cast<void>(cut(line, ' '));
  mount.device = cut(line, ' ');
  mount.root = unescape(cut(line, ' '));
  mount.point = unescape(cut(line, ' '));
  const std::size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  line.remove_prefix(dash + 3);
  mount.type = cut(line, ' ');
  mount.source = unescape(cut(line, ' '));
  mount.options = line;
  return mount;
}

}  // namespace

std::string_view cut(std::string_view& text, char separator) noexcept {
  const std::size_t end = text.find(separator);
  const std::string_view front = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return front;
}

std::string read_text(const std::string& path) {
  std::string text;
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid()) return text;
  std::array<char, 4096> piece{};
  while (text.size() < kTextBytesMax) {
    const ssize_t got = read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{}) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key) {
  std::optional<std::uint64_t> found;
  for_each_line(text, [&](std::string_view line) {
    if (!found && line.starts_with(key)) found = leading_number(line.substr(key.size()));
  });
  return found;
}

std::vector<Mount> read_mounts(const std::string& mountinfo_path) {
  const std::string text = read_text(mountinfo_path);
  std::vector<Mount> mounts;
  for_each_line(text, [&](std::string_view line) {
    if (auto mount = parse_mount(line)) mounts.push_back(std::move(*mount));
  });
  return mounts;
}

std::optional<std::string> option_of(const Mount& mount, std::string_view name) {
  std::string_view rest = mount.options;
  while (!rest.empty()) {
    std::string_view value = cut(rest, ',');
    // A comma within a value is written as three octal digits, so the cuts are right.
    if (cut(value, '=') == name) return unescape(value);
  }
  return std::nullopt;
}

// Field 22. The second field is a name that may hold blanks and brackets, so counting starts after
// the last bracket.
std::uint64_t start_ticks(const std::string& stat_path) {
  const std::string text = read_text(stat_path);
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.rfind(')'), rest.size()));
  for (int blanks = 0; blanks < 20; ++blanks) {
    static_cast<void>(cut(rest, ' '));
  }
  return leading_number(rest).value_or(0);
}

}  // namespace millrace::detail
