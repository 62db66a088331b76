#include "key_argument.hpp"

#include "millrace/core/limits.hpp"

#include <CLI/Error.hpp>
#include <charconv>

namespace millrace::tools {

Result<std::uint16_t> parse_key(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = hexadecimal ? text.substr(2) : text;
  std::uint16_t key = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, key, hexadecimal ? 16 : 10);
  if (error == std::errc{} && stopped == end) return key;
  return fail(Errc::bad_argument, "\"%.*s\" is no key; take 0 to 65535, or 0x0 to 0xffff",
              static_cast<int>(text.size()), text.data());
}

Result<KeyFilter> parse_key_filter(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto value = parse_key(text.substr(0, slash));
  if (!value) return Failure(value.error());
  if (slash == std::string_view::npos) return KeyFilter{0xffff, *value};
  const auto mask = parse_key(text.substr(slash + 1));
  if (!mask) return Failure(mask.error());
  if ((*value & ~*mask) != 0) {
    return fail(Errc::bad_argument,
                "\"%.*s\" passes nothing, because the key has bits outside of the mask",
                static_cast<int>(text.size()), text.data());
  }
  return KeyFilter{*mask, *value};
}

void add_key_option(CLI::App& verb, std::uint16_t& key) {
  const auto take = [&key](const std::string& text) {
    const auto parsed = parse_key(text);
    if (!parsed) throw CLI::ValidationError("--key", std::string(parsed.error().sentence()));
    key = *parsed;
  };
  verb.add_option_function<std::string>("--key", take, "Key of every message, for filters (0)")
      ->type_name("KEY");
}

void add_key_filter_option(CLI::App& verb, KeyFilter& filter) {
  const auto take = [&filter](const std::string& text) {
    const auto parsed = parse_key_filter(text);
    if (!parsed) throw CLI::ValidationError("--key", std::string(parsed.error().sentence()));
    filter = *parsed;
  };
  verb.add_option_function<std::string>(
          "--key", take, "Only messages of this key, or whose key agrees in the bits of MASK")
      ->type_name("KEY[/MASK]");
}

void add_name_option(CLI::App& verb, std::string& name) {
  const auto take = [&name](const std::string& text) {
    if (text.empty() || text.size() >= kNameBytes) {
      throw CLI::ValidationError("--name", "take 1 to 63 bytes");
    }
    name = text;
  };
  verb.add_option_function<std::string>(
          "--name", take, "Name of this publisher: who comes back under it continues its lane")
      ->type_name("NAME");
}

}  // namespace millrace::tools
