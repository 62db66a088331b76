#include "progress.hpp"

#include "millrace/core/clock.hpp"
#include "size_argument.hpp"
#include "table.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kBetweenNs = 100'000'000;
constexpr std::size_t kBarWidth = 20;

std::string amount(Progress::Unit unit, double number) {
  if (unit == Progress::Unit::messages) return short_number(number);
  return format_size(static_cast<std::uint64_t>(number));
}

}  // namespace

Progress::Progress(std::string what, Unit unit, bool draw)
    : what_(std::move(what)),
      unit_(unit),
      drawing_(draw && isatty(STDERR_FILENO) == 1),
      began_ns_(monotonic_ns()) {}

std::string Progress::line(const std::string& what, Unit unit, std::uint64_t done,
                           std::uint64_t all, double per_second) {
  std::string text = what + "  ";
  if (all != 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
    const auto full = static_cast<std::size_t>(share * kBarWidth);
    text += "[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "]  " +
            std::to_string(static_cast<int>(share * 100)) + " %  ";
  }
  text += amount(unit, per_second) + "/s  " + amount(unit, static_cast<double>(done));
  if (all != 0) text += " of " + amount(unit, static_cast<double>(all));
  return text;
}

void Progress::show(std::uint64_t done, std::uint64_t all) {
  if (!drawing_) return;
  const std::uint64_t now_ns = monotonic_ns();
  if (now_ns - shown_ns_ < kBetweenNs) return;
  shown_ns_ = now_ns;
  const double seconds = static_cast<double>(now_ns - began_ns_) / 1e9;
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::fprintf(stderr, "\r%s\x1b[K", line(what_, unit_, done, all, rate).c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace millrace::tools
