#include "millrace/bench/load_slip.hpp"

#include <algorithm>
#include <vector>

namespace millrace::bench {

namespace {

// Who is later than this was not waiting for the moment, but busy.
constexpr std::uint64_t kOnTimeNs = kGapThresholdNs;

double at_percent(std::vector<std::uint64_t>& values, double percent) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(percent / 100 * static_cast<double>(values.size()));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return static_cast<double>(*at);
}

double per_ns(std::span<const std::uint64_t> times) {
  if (times.size() < 2 || times.back() <= times.front()) return 0;
  return static_cast<double>(times.size() - 1) / static_cast<double>(times.back() - times.front());
}

}  // namespace

SlipAccount account_slip(const SlipInput& input) {
  SlipAccount account;
  std::vector<std::uint64_t> all;
  std::vector<std::uint64_t> own;
  std::size_t gap = 0;
  bool excused = false;
  std::uint64_t before = input.intended.empty() ? 0 : input.intended.front();
  for (std::size_t each = 0; each < input.intended.size(); ++each) {
    const std::uint64_t began = input.began[each];
    const std::uint64_t slip = began > input.intended[each] ? began - input.intended[each] : 0;
    all.push_back(slip);
    if (slip <= kOnTimeNs) excused = false;  // it had caught up
    // Messages that are due at one moment are sent one after the other: that is the load's doing.
    if (each != 0 && input.intended[each] == input.intended[each - 1]) excused = true;
    // A gap that ended since the last message, or lies across this one.
    for (; gap < input.gaps.size() && input.gaps[gap].begin < began; ++gap) {
      const bool recent = input.gaps[gap].begin + input.gaps[gap].length >= before;
      if (recent && slip > kOnTimeNs) excused = true;
    }
    if (excused) {
      ++account.explained;
    } else {
      own.push_back(slip);
    }
    const std::uint64_t took = input.published[each] - began;
    if (input.full_ns != 0 && took > input.full_ns) excused = true;
    before = began;
  }
  account.messages = all.size();
  account.own_p50_ns = at_percent(own, 50);
  account.own_p99_ns = at_percent(own, 99);
  account.p50_ns = at_percent(all, 50);
  account.p99_ns = at_percent(all, 99);
  account.max_ns = at_percent(all, 100);
  const double intended = per_ns(input.intended);
  account.achieved_share = intended > 0 ? per_ns(input.published) / intended : 1;
  return account;
}

bool slip_acceptable(const SlipAccount& account, double service_ns, double transfer_ns) noexcept {
  return account.own_p99_ns <= 0.1 * (service_ns + transfer_ns);
}

}  // namespace millrace::bench
