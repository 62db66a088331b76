#include "number_argument.hpp"

#include <CLI/Error.hpp>
#include <charconv>
#include <cmath>

namespace millrace::tools {

Result<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) {
    return fail(Errc::bad_argument, "\"%.*s\" is no count; write a whole number",
                static_cast<int>(text.size()), text.data());
  }
  return number;
}

Result<double> parse_rate(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const std::string_view unit(stopped, end);
  const double times = unit.empty() ? 1 : unit == "K" || unit == "k" ? 1e3 : unit == "M" ? 1e6 : 0;
  const double rate = error == std::errc{} ? number * times : 0;
  if (!std::isfinite(rate) || rate <= 0) {
    return fail(Errc::bad_argument,
                "\"%.*s\" is no rate; write messages a second, more than 0 (0.5, 1000, 20K, 1M)",
                static_cast<int>(text.size()), text.data());
  }
  return rate;
}

CLI::Option* add_count_option(CLI::App& app, const std::string& name, std::uint64_t& count,
                              std::uint64_t least, const std::string& help) {
  const auto take = [name, least, &count](const std::string& text) {
    const auto parsed = parse_count(text);
    if (!parsed) throw CLI::ValidationError(name, std::string(parsed.error().sentence()));
    if (*parsed < least) {
      throw CLI::ValidationError(name,
                                 text + " is too few; write " + std::to_string(least) + " or more");
    }
    count = *parsed;
  };
  return app.add_option_function<std::string>(name, take, help)->type_name("N");
}

CLI::Option* add_rate_option(CLI::App& app, const std::string& name, double& per_second,
                             const std::string& help) {
  const auto take = [name, &per_second](const std::string& text) {
    const auto parsed = parse_rate(text);
    if (!parsed) throw CLI::ValidationError(name, std::string(parsed.error().sentence()));
    per_second = *parsed;
  };
  return app.add_option_function<std::string>(name, take, help)->type_name("RATE");
}

}  // namespace millrace::tools
