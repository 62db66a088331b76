#include "millrace/bench/profile_options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace millrace::bench {

namespace {

// Stamps of no more messages than this are kept of a restart of the load.
constexpr double kMessagesPerRestart = 1e6;

}  // namespace

Result<Slo> parse_slo(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view which = text.substr(0, equals);
  Slo slo;
  bool known = which == "max";
  if (known) slo.percent = 100;
  if (which.size() > 1 && which.front() == 'p') {
    const char* const end = which.data() + which.size();
    const auto [stopped, error] = std::from_chars(which.data() + 1, end, slo.percent);
    known = error == std::errc{} && stopped == end && slo.percent > 0 && slo.percent <= 100;
  }
  const auto ns = parse_load_time(equals == std::string_view::npos ? "" : text.substr(equals + 1));
  if (!known || !ns) {
    return fail(Errc::bad_argument, "\"%.*s\" is no goal: write p99=10us, p99.9=1ms or max=5ms",
                static_cast<int>(text.size()), text.data());
  }
  slo.ns = *ns;
  return slo;
}

std::string to_string(const Slo& slo) {
  char text[64];
  if (slo.percent >= 100) {
    std::snprintf(text, sizeof text, "max=%.9gus", slo.ns / 1e3);
  } else {
    std::snprintf(text, sizeof text, "p%.9g=%.9gus", slo.percent, slo.ns / 1e3);
  }
  return text;
}

const char* to_string(ProfileMode mode) noexcept {
  switch (mode) {
    case ProfileMode::quick: return "quick";
    case ProfileMode::normal: return "normal";
    case ProfileMode::full: break;
  }
  return "full";
}

std::uint32_t restarts_of(ProfileMode mode) noexcept {
  switch (mode) {
    case ProfileMode::quick: return 3;
    case ProfileMode::normal: return 5;
    case ProfileMode::full: break;
  }
  return 10;
}

double seconds_of(const ProfileOptions& options) noexcept {
  double seconds = options.seconds;
  if (seconds <= 0) {
    seconds = options.mode == ProfileMode::quick    ? 0.5
              : options.mode == ProfileMode::normal ? 1.5
                                                    : 2.5;
  }
  double rate = options.plan.shape.rate;
  if (rate <= 0) rate = mean_rate(options.plan.recorded) * options.plan.shape.speed;
  return rate > 0 ? std::min(seconds, kMessagesPerRestart / rate) : seconds;
}

}  // namespace millrace::bench
