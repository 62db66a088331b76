#include "millrace/bench/sharing_checks.hpp"

#include <algorithm>
#include <numeric>

namespace millrace::bench {

namespace {

constexpr Limits kRateLimits{0.85, 1.15};
constexpr std::size_t kPartiesMin = 3;

std::uint64_t expected(const SharingCountEvidence& one) noexcept {
  if (one.sharing == Sharing::divided) return one.published - one.missed;
  std::uint64_t all = 0;
  for (const Party& party : one.parties)
    all += one.published - party.missed;
  return all;
}

std::uint64_t delivered(const SharingCountEvidence& one) noexcept {
  std::uint64_t all = 0;
  for (const Party& party : one.parties)
    all += party.delivered;
  return all;
}

// What does not add up; empty: all does.
std::string difference(const SharingCountEvidence& one) {
  std::uint64_t sum = 0;
  for (const Party& party : one.parties) {
    if (party.delivered != party.distinct) return "a party was given a message twice";
    sum += party.sum;
    if (one.sharing == Sharing::broadcast && party.missed == 0 && party.sum != one.sum)
      return "the checksum of a party differs from the seed's";
  }
  if (delivered(one) != expected(one)) return "deliveries do not add up to what was published";
  if (one.sharing == Sharing::divided && one.missed == 0 && sum != one.sum)
    return "the checksums of all parties differ from the seed's";
  return "";
}

double total(const std::vector<double>& values) noexcept {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double share_predicted(const BalanceEvidence& one, std::size_t party) noexcept {
  return total(one.counts) * one.weights[party] / total(one.weights);
}

std::vector<double> balance_ratios(const std::vector<BalanceEvidence>& restarts,
                                   std::size_t party) {
  std::vector<double> ratios;
  for (const BalanceEvidence& one : restarts)
    ratios.push_back(one.counts[party] / share_predicted(one, party));
  return ratios;
}

// By key the prediction is exact, so one message too many is a FAIL.
CheckResult check_by_key(const Circumstances& circumstances,
                         const std::vector<BalanceEvidence>& restarts,
                         const std::vector<BalanceEvidence>& control) {
  CheckResult result = exact_result("sharing.balance", circumstances, 0, 0);
  if (result.verdict == Verdict::invalid) return result;
  for (const BalanceEvidence& one : control) {
    if (one.counts == one.weights) continue;
    conclude(result, Verdict::invalid, "the control row has not the messages of its keys");
    return result;
  }
  double messages = 0;
  for (const BalanceEvidence& one : restarts) {
    messages += total(one.weights);
    for (std::size_t party = 0; party < one.counts.size(); ++party) {
      if (one.counts[party] == one.weights[party]) continue;
      result =
          exact_result("sharing.balance", circumstances, one.weights[party], one.counts[party]);
      result.smallest_defect = 1 / total(one.weights);
      conclude(result, Verdict::fail,
               "party " + std::to_string(party) + " has not the messages of its keys");
      return result;
    }
  }
  result = exact_result("sharing.balance", circumstances, messages, messages);
  result.smallest_defect = 1 / std::max(messages, 1.0);
  result.verdict = Verdict::pass;
  return result;
}

double rate_predicted(const SharingRateEvidence& one) noexcept {
  return double(one.parties) * one.solo * (one.two / (2 * one.solo));
}

std::vector<double> rate_ratios(const std::vector<SharingRateEvidence>& restarts) {
  std::vector<double> ratios;
  for (const SharingRateEvidence& one : restarts)
    ratios.push_back(one.all / rate_predicted(one));
  return ratios;
}

}  // namespace

CheckResult check_sharing_count(const Circumstances& circumstances,
                                const std::vector<SharingCountEvidence>& restarts,
                                const std::vector<SharingCountEvidence>& control) {
  std::uint64_t wanted = 0;
  std::uint64_t found = 0;
  for (const SharingCountEvidence& one : restarts) {
    wanted += expected(one);
    found += delivered(one);
  }
  CheckResult result = exact_result("sharing.count", circumstances, double(wanted), double(found));
  result.smallest_defect = wanted > 0 ? 1 / double(wanted) : 1;
  if (result.verdict == Verdict::invalid) return result;
  result.verdict = Verdict::pass;
  if (wanted == 0) conclude(result, Verdict::inconclusive, "nothing was delivered");
  for (const SharingCountEvidence& one : restarts) {
    if (!difference(one).empty()) conclude(result, Verdict::fail, difference(one));
  }
  for (const SharingCountEvidence& one : control) {
    if (!difference(one).empty())
      conclude(result, Verdict::invalid, "the control row: " + difference(one));
  }
  return result;
}

CheckResult check_sharing_balance(const Circumstances& circumstances,
                                  const std::vector<BalanceEvidence>& restarts,
                                  const std::vector<BalanceEvidence>& control) {
  if (!restarts.empty() && restarts.front().by_key)
    return check_by_key(circumstances, restarts, control);
  Circumstances judged = circumstances;
  std::size_t slices = 0;
  for (const BalanceEvidence& one : restarts) {
    slices += one.slices;
    if (!one.saturated && judged.broken.empty())
      judged.broken.emplace_back("not saturated: who is idle takes what comes");
  }
  std::vector<Part> parts;
  const std::size_t parties = restarts.empty() ? 0 : restarts.front().counts.size();
  for (std::size_t party = 0; party < parties; ++party) {
    parts.push_back({.name = "party " + std::to_string(party),
                     .prediction = share_predicted(restarts.front(), party),
                     .limits = {1 - kBalanceLimit, 1 + kBalanceLimit},
                     .replicates = {.ratios = balance_ratios(restarts, party),
                                    .control = balance_ratios(control, party),
                                    .slices = slices}});
  }
  if (parts.empty()) parts.push_back({.prediction = 1});
  return judge_parts("sharing.balance", judged, parts);
}

double jain_index(std::span<const double> counts) noexcept {
  double sum = 0;
  double squares = 0;
  for (const double count : counts) {
    sum += count;
    squares += count * count;
  }
  return squares > 0 ? sum * sum / (double(counts.size()) * squares) : 1;
}

CheckResult check_sharing_rate(const Circumstances& circumstances,
                               const std::vector<SharingRateEvidence>& restarts,
                               const std::vector<SharingRateEvidence>& control) {
  Circumstances judged = circumstances;
  double predicted = 0;
  std::size_t slices = 0;
  for (const SharingRateEvidence& one : restarts) {
    predicted += rate_predicted(one) / double(restarts.size());
    slices += one.slices;
    if (one.producers + one.parties > one.cores) judged.broken.emplace_back("oversubscribed");
    if (one.parties < kPartiesMin) judged.broken.emplace_back("fewer than three parties");
  }
  return judge_ratio(
      "sharing.rate", judged, predicted, kRateLimits,
      {.ratios = rate_ratios(restarts), .control = rate_ratios(control), .slices = slices});
}

}  // namespace millrace::bench
