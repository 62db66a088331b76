#include "millrace/core/private_name.hpp"

#include "millrace/core/unique_number.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace millrace {
namespace {

constexpr std::string_view kPrefix = ".new.";

// Reads one number that must be followed by `end`, and takes both off the front.
template <class Number>
bool take(std::string_view& text, Number& number, int base, char end) noexcept {
  const char* const last = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), last, number, base);
  if (parsed.ec != std::errc{}) return false;
  const bool at_end = parsed.ptr == last;
  if (end == '\0' ? !at_end : at_end || *parsed.ptr != end) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()) + (at_end ? 0 : 1));
  return true;
}

}  // namespace

std::string private_name(std::uint64_t creator_incarnation) {
  std::array<char, 80> text{};
  const int length = std::snprintf(text.data(), text.size(), ".new.%d.%llx.%llx", getpid(),
                                   static_cast<unsigned long long>(creator_incarnation),
                                   static_cast<unsigned long long>(unique_number()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<PrivateName> parse_private_name(std::string_view name) noexcept {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  PrivateName parsed;
  std::uint64_t number = 0;
  if (!take(name, parsed.pid, 10, '.') || !take(name, parsed.creator_incarnation, 16, '.') ||
      !take(name, number, 16, '\0')) {
    return std::nullopt;
  }
  return parsed;
}

Result<void> show_private_name(int directory_fd, const char* private_name, int target_directory_fd,
                               const char* name) noexcept {
  if (renameat2(directory_fd, private_name, target_directory_fd, name, RENAME_NOREPLACE) == 0) {
    return {};
  }
  int refused = errno;
  // A file system without RENAME_NOREPLACE: a second name for a file is just as atomic.
  if (refused == EINVAL || refused == ENOSYS) {
    if (linkat(directory_fd, private_name, target_directory_fd, name, 0) == 0) {
      unlinkat(directory_fd, private_name, 0);
      return {};
    }
    refused = errno;
  }
  if (refused == EEXIST) return fail(Errc::exists, "%.80s exists already", name);
  return fail_os(refused, "cannot give %.80s its name", name);
}

}  // namespace millrace
