#include "report_words.hpp"

#include <cmath>
#include <cstdio>

namespace millrace::bench {

using nlohmann::json;

namespace {

std::string printed(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string time_text(const json& ns) {
  if (!ns.is_number()) return "-";
  const auto value = ns.get<double>();
  if (value < 1e3) return printed("%.0f ns", value);
  if (value < 1e6) return printed(value < 1e4 ? "%.2f us" : "%.1f us", value / 1e3);
  if (value < 1e9) return printed("%.2f ms", value / 1e6);
  return printed("%.2f s", value / 1e9);
}

std::string rate_text(const json& per_second) {
  if (!per_second.is_number()) return "-";
  const auto value = per_second.get<double>();
  if (value >= 1e6) return printed("%.2fM", value / 1e6);
  if (value >= 1e4) return printed("%.1fk", value / 1e3);
  return printed("%.0f", value);
}

std::string share_text(const json& share) {
  if (!share.is_number()) return "-";
  const auto value = share.get<double>() * 100;
  return printed(std::abs(value) < 10 ? "%.2f %%" : "%.1f %%", value);
}

Result<json> parse_report(std::string_view text) {
  auto report = json::parse(text, nullptr, false);
  if (report.is_discarded() || !report.is_object())
    return fail(Errc::format, "it is no JSON object; write one with millrace profile --json FILE");
  const auto schema = report.find("schema");
  if (schema == report.end() || *schema != "millrace-profile/1") {
    return fail(Errc::format,
                "it is no report of millrace profile (no \"schema\": \"millrace-profile/1\")");
  }
  return report;
}

}  // namespace millrace::bench
