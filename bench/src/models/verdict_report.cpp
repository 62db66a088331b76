#include "millrace/bench/verdict_report.hpp"

#include "verdict_json.hpp"

#include <cmath>

namespace millrace::bench {

namespace {

using nlohmann::json;

// JSON knows no infinity.
json finite(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

ModelVerdict judge_model(const char* model, const std::vector<CheckResult>& rows) {
  ModelVerdict found{.model = model, .verdict = Verdict::inconclusive, .rows = 0, .worst = ""};
  for (const CheckResult& row : rows) {
    if (model_of(row.name) != model) continue;
    if (++found.rows > 1 && row.verdict <= found.verdict) continue;
    found.verdict = row.verdict;
    found.worst = row.name + " at " + row.placement;
  }
  return found;
}

}  // namespace

std::string_view model_of(std::string_view check) noexcept {
  if (check == "observer" || check == "alibi") return "";
  for (const std::string_view model : kModels) {
    if (check.starts_with(model)) return model;
  }
  return "latency";  // little, wake, and the curves
}

VerdictReport make_verdict_report(std::vector<CheckResult> rows) {
  VerdictReport report;
  report.checks = std::move(rows);
  apply_holm(report.checks);
  for (const char* model : kModels)
    report.models.push_back(judge_model(model, report.checks));
  if (!report.checks.empty()) report.verdict = worst_of(report.checks);
  return report;
}

json check_to_json(const CheckResult& row) {
  return {{"name", row.name},
          {"placement", row.placement},
          {"verdict", to_string(row.verdict)},
          {"prediction", finite(row.prediction)},
          {"measurement", finite(row.measurement)},
          {"residual", finite(row.residual)},
          {"low", finite(row.low)},
          {"high", finite(row.high)},
          {"accept_low", finite(row.accept_low)},
          {"accept_high", finite(row.accept_high)},
          {"smallest_defect", finite(row.smallest_defect)},
          {"seconds_needed", finite(row.seconds_needed)},
          {"restarts", row.restarts},
          {"why", row.why}};
}

json models_to_json(const VerdictReport& report) {
  json models = json::object();
  for (const ModelVerdict& one : report.models) {
    models[one.model] = {{"verdict", to_string(one.verdict)},
                         {"rows", one.rows},
                         {"worst", one.worst.empty() ? json(nullptr) : json(one.worst)}};
  }
  return models;
}

std::string verdict_json(const VerdictReport& report) {
  json checks = json::array();
  for (const CheckResult& row : report.checks)
    checks.push_back(check_to_json(row));
  const json all = {{"checks", checks},
                    {"models", models_to_json(report)},
                    {"verdict", to_string(report.verdict)},
                    {"exit_code", exit_code(report.verdict)}};
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace millrace::bench
