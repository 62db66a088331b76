#include "millrace/bench/profile_compare.hpp"

#include "report_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace millrace::bench {

namespace {

using nlohmann::json;

constexpr double kNoDifference = 1.10;
constexpr double kNullSlack = 0.02;
constexpr std::size_t kRestartsLeast = 3;

double figure(const json& restart, const std::string& key) {
  const auto found = restart.find(key);
  return found != restart.end() && found->is_number() ? found->get<double>() : 0;
}

// ln(b / a) of the restarts that both have.
std::vector<double> paired_logs(const json& a, const json& b, const std::string& key) {
  std::vector<double> logs;
  for (std::size_t each = 0; each < std::min(a.size(), b.size()); ++each) {
    const double before = figure(a[each], key);
    const double after = figure(b[each], key);
    if (before > 0 && after > 0) logs.push_back(std::log(after / before));
  }
  return logs;
}

double middle(const json& restarts, const std::string& key) {
  std::vector<double> values;
  for (const json& one : restarts)
    values.push_back(figure(one, key));
  return median(values);
}

Difference judged(const Estimate& ratio, const Estimate& null) {
  if (null.low > 1 + kNullSlack || null.high < 1 / (1 + kNullSlack)) return Difference::void_;
  if (ratio.low > 1) return Difference::slower;
  if (ratio.high < 1) return Difference::faster;
  const bool narrow = ratio.high <= kNoDifference && ratio.low >= 1 / kNoDifference;
  return narrow ? Difference::none : Difference::unclear;
}

void note_unlike(const json& a, const json& b, Comparison& comparison) {
  for (const char* key : {"handler", "mode", "seed", "seconds_per_restart", "payload_bytes",
                          "ring_bytes", "policy", "fingerprint"}) {
    if (a.value(key, json()) == b.value(key, json())) continue;
    comparison.unlike.push_back(std::string(key) + " differs: " + a.value(key, json()).dump() +
                                " and " + b.value(key, json()).dump());
  }
}

std::string interval_text(const Estimate& estimate) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f [%.3f, %.3f]", estimate.ratio, estimate.low,
                estimate.high);
  return text;
}

json to_json(const Estimate& estimate) {
  return {{"ratio", estimate.ratio},
          {"low", estimate.low},
          {"high", std::isfinite(estimate.high) ? json(estimate.high) : json(nullptr)},
          {"restarts", estimate.restarts}};
}

}  // namespace

const char* to_string(Difference difference) noexcept {
  switch (difference) {
    case Difference::none: return "no difference";
    case Difference::faster: return "faster";
    case Difference::slower: return "slower";
    case Difference::unclear: return "inconclusive";
    case Difference::void_: break;
  }
  return "invalid";
}

Result<Comparison> compare_profiles(std::string_view a_text, std::string_view b_text) {
  const auto a = parse_report(a_text);
  if (!a) return Failure(a.error());
  const auto b = parse_report(b_text);
  if (!b) return Failure(b.error());
  if (a->value("load", "") != b->value("load", "")) {
    return fail(Errc::bad_argument, "they measured other loads (%s and %s): nothing can be paired",
                a->value("load", "none").c_str(), b->value("load", "none").c_str());
  }
  const json none = json::array();
  const json a_runs = a->value("per_restart", none);
  const json b_runs = b->value("per_restart", none);
  if (std::min(a_runs.size(), b_runs.size()) < kRestartsLeast) {
    return fail(Errc::bad_argument,
                "they have fewer than %zu restarts in common: an interval needs them",
                kRestartsLeast);
  }
  Comparison comparison;
  note_unlike(*a, *b, comparison);
  for (const char* name : {"p50", "p90", "p99", "mean"}) {
    const std::string key = std::string(name) + "_ns";
    const auto logs = paired_logs(a_runs, b_runs, key);
    const auto null =
        paired_logs(a->value("per_control", none), b->value("per_control", none), key);
    ComparedFigure made;
    made.name = name;
    made.a_ns = middle(a_runs, key);
    made.b_ns = middle(b_runs, key);
    made.ratio = estimate(logs, logs.size());
    made.null = estimate(null, null.size());
    made.difference = judged(made.ratio, made.null);
    comparison.figures.push_back(made);
  }
  return comparison;
}

std::string compare_text(const Comparison& comparison) {
  std::array<char, 256> line{};
  std::snprintf(line.data(), line.size(), "%-6s %12s %12s   %-24s %-24s %s\n", "", "A", "B",
                "B / A, 98 %", "null (bare words)", "B is");
  std::string text = line.data();
  for (const ComparedFigure& one : comparison.figures) {
    std::snprintf(line.data(), line.size(), "%-6s %12s %12s   %-24s %-24s %s\n", one.name.c_str(),
                  time_text(one.a_ns).c_str(), time_text(one.b_ns).c_str(),
                  interval_text(one.ratio).c_str(), interval_text(one.null).c_str(),
                  to_string(one.difference));
    text += line.data();
  }
  for (const std::string& note : comparison.unlike)
    text += "note: " + note + "\n";
  return text;
}

std::string compare_json(const Comparison& comparison) {
  json figures = json::array();
  for (const ComparedFigure& one : comparison.figures) {
    figures.push_back({{"name", one.name},
                       {"a_ns", one.a_ns},
                       {"b_ns", one.b_ns},
                       {"ratio", to_json(one.ratio)},
                       {"null", to_json(one.null)},
                       {"difference", to_string(one.difference)}});
  }
  const json made = {{"schema", "millrace-compare/1"},
                     {"figures", figures},
                     {"unlike", comparison.unlike},
                     {"exit_code", exit_code(comparison)}};
  return made.dump();
}

int exit_code(const Comparison& comparison) noexcept {
  int code = 0;
  for (const ComparedFigure& one : comparison.figures) {
    if (one.difference == Difference::slower) return 1;
    if (one.difference == Difference::unclear || one.difference == Difference::void_) code = 3;
  }
  return code;
}

}  // namespace millrace::bench
