#include "millrace/core/result.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace millrace {

const char* to_string(Errc code) noexcept {
  switch (code) {
    case Errc::bad_argument: return "bad_argument";
    case Errc::not_found: return "not_found";
    case Errc::exists: return "exists";
    case Errc::no_permission: return "no_permission";
    case Errc::no_space: return "no_space";
    case Errc::too_many: return "too_many";
    case Errc::format: return "format";
    case Errc::schema: return "schema";
    case Errc::unsupported: return "unsupported";
    case Errc::system: return "system";
    case Errc::busy: return "busy";
    case Errc::full: return "full";
    case Errc::timeout: return "timeout";
    case Errc::closed: return "closed";
    case Errc::overrun: return "overrun";
    case Errc::evicted: return "evicted";
    case Errc::poisoned: return "poisoned";
    case Errc::too_big: return "too_big";
    case Errc::foreign: return "foreign";
    case Errc::no_readers: return "no_readers";
    case Errc::journal_unavailable: return "journal_unavailable";
    case Errc::journal_poisoned: return "journal_poisoned";
    case Errc::damaged: return "damaged";
    case Errc::trimmed: return "trimmed";
    case Errc::gap: return "gap";
    case Errc::rewound: return "rewound";
  }
  return "unknown";
}

Error::Error(Errc code, int os_error, std::string_view sentence) noexcept
    : code_(code),
      length_(static_cast<std::uint16_t>(std::min(sentence.size(), kSentenceBytes - 1))),
      os_error_(os_error) {
  std::memcpy(text_.data(), sentence.data(), length_);
  text_[length_] = '\0';
}

namespace {

using Text = std::array<char, Error::kSentenceBytes>;

std::size_t print(Text& text, std::size_t at, const char* format, std::va_list arguments) noexcept {
  const int wanted = std::vsnprintf(text.data() + at, text.size() - at, format, arguments);
  const std::size_t room = text.size() - at - 1;
  return at + std::min(room, static_cast<std::size_t>(std::max(wanted, 0)));
}

Errc code_of(int os_error) noexcept {
  switch (os_error) {
    case EACCES:
    case EPERM:
    case EROFS: return Errc::no_permission;
    case ENOSPC:
    case ENOMEM:
    case EDQUOT: return Errc::no_space;
    case ENOENT:
    case ENOTDIR: return Errc::not_found;
    case EEXIST: return Errc::exists;
    case EMFILE:
    case ENFILE: return Errc::too_many;
    case ENOSYS:
    case EOPNOTSUPP: return Errc::unsupported;
    case EINVAL:
    case ENAMETOOLONG: return Errc::bad_argument;
    default: return Errc::system;
  }
}

}  // namespace

Failure fail(Errc code, const char* format, ...) noexcept {
  Text text;
  std::va_list arguments;
  va_start(arguments, format);
  const std::size_t length = print(text, 0, format, arguments);
  va_end(arguments);
  return Failure(Error(code, 0, {text.data(), length}));
}

Failure fail_os(int os_error, const char* format, ...) noexcept {
  Text text;
  std::va_list arguments;
  va_start(arguments, format);
  std::size_t length = print(text, 0, format, arguments);
  va_end(arguments);
  std::array<char, 96> reason{};
  const char* said = strerror_r(os_error, reason.data(), reason.size());
  const int wanted = std::snprintf(text.data() + length, text.size() - length, ": %s", said);
  length += std::min(text.size() - length - 1, static_cast<std::size_t>(std::max(wanted, 0)));
  return Failure(Error(code_of(os_error), os_error, {text.data(), length}));
}

}  // namespace millrace
