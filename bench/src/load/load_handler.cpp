#include "millrace/bench/load_handler.hpp"

#include "millrace/bench/load_shape.hpp"
#include "millrace/core/cpu.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <dlfcn.h>
#include <limits>

namespace millrace::bench {

namespace {

constexpr double kNsMax = 1e9;
constexpr std::uint64_t kIterationsMax = 1'000'000'000;

Failure refuse(std::string_view text, const char* why) {
  return fail(Errc::bad_argument,
              "handler \"%.*s\": %s; write none, work:2us, work:5000x, deadline:2us or lib:FILE.so",
              static_cast<int>(text.size()), text.data(), why);
}

Result<LoadHandler> load_library(const std::string& path) {
  // Never closed: the function is needed until the process ends.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(Errc::not_found, "cannot load the handler: %s", dlerror());
  void* const symbol = dlsym(library, "millrace_handler");
  if (symbol == nullptr) {
    return fail(Errc::not_found,
                "%s has no function millrace_handler; write extern \"C\" void "
                "millrace_handler(const void* bytes, size_t size)",
                path.c_str());
  }
  const auto function = reinterpret_cast<void (*)(const void*, std::size_t)>(symbol);
  LoadHandler handler;
  handler.kind = LoadHandler::Kind::user;
  handler.library = path;
  handler.function = [function](std::span<const std::byte> bytes) {
    function(bytes.data(), bytes.size());
  };
  return handler;
}

// The fastest of some: what is slower was disturbed.
std::uint64_t fastest_ticks(std::uint64_t iterations, const Clock& clock) noexcept {
  constexpr int kAttempts = 2000;
  std::uint64_t best = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 1;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t began = clock.ticks();
    value = work(iterations, value);
    best = std::min(best, clock.ticks() - began);
  }
  asm volatile("" : : "r"(value));
  return std::max<std::uint64_t>(best, 1);
}

}  // namespace

Result<LoadHandler> parse_handler(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  LoadHandler handler;
  if (text == "none") return handler;
  if (kind == "lib" && !rest.empty()) return load_library(std::string(rest));
  if (kind != "work" && kind != "deadline") return refuse(text, "there is no such handler");
  handler.kind = kind == "work" ? LoadHandler::Kind::work : LoadHandler::Kind::deadline;
  if (kind == "work" && rest.ends_with('x')) {
    const char* const end = rest.data() + rest.size() - 1;
    const auto [stopped, error] = std::from_chars(rest.data(), end, handler.iterations);
    if (error != std::errc{} || stopped != end || handler.iterations == 0 ||
        handler.iterations > kIterationsMax) {
      return refuse(text, "the iterations are a whole number, 1 to 1000000000");
    }
    return handler;
  }
  const auto ns = parse_load_time(rest);
  if (!ns) return refuse(text, "it needs a time");
  if (*ns > kNsMax) return refuse(text, "a message takes at most a second");
  handler.ns = *ns;
  return handler;
}

std::string to_string(const LoadHandler& handler) {
  char text[64];
  switch (handler.kind) {
    case LoadHandler::Kind::none: return "none";
    case LoadHandler::Kind::user:
      return handler.library.empty() ? "own function" : "lib:" + handler.library;
    case LoadHandler::Kind::work:
    case LoadHandler::Kind::deadline: break;
  }
  const char* const kind = handler.kind == LoadHandler::Kind::work ? "work" : "deadline";
  if (handler.ns > 0) {
    std::snprintf(text, sizeof text, "%s:%.9gns", kind, handler.ns);
  } else {
    std::snprintf(text, sizeof text, "%s:%llux", kind,
                  static_cast<unsigned long long>(handler.iterations));
  }
  return text;
}

std::uint64_t work(std::uint64_t count, std::uint64_t value) noexcept {
  // Each step needs the one before: no processor does two at once.
  for (std::uint64_t step = 0; step < count; ++step) {
    value = value * 6364136223846793005 + 1442695040888963407;
    asm volatile("" : "+r"(value));
  }
  return value;
}

RunningHandler::RunningHandler(const LoadHandler& handler, const Clock& clock)
    : handler_(handler), clock_(clock), iterations_(handler.iterations) {
  if (handler_.kind == LoadHandler::Kind::deadline) {
    deadline_ticks_ = clock_.duration_ticks(static_cast<std::uint64_t>(handler_.ns));
  }
  if (handler_.kind != LoadHandler::Kind::work) return;
  piece_ticks_ = fastest_ticks(kPieceIterations, clock_);
  if (handler_.ns > 0) {
    const auto wanted = static_cast<double>(
        clock_.duration_ticks(static_cast<std::uint64_t>(std::max(1.0, handler_.ns))));
    const double pieces = wanted / static_cast<double>(piece_ticks_);
    iterations_ = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::llround(pieces * kPieceIterations)));
  }
}

std::uint64_t RunningHandler::handle(std::span<const std::byte> bytes, std::uint64_t began,
                                     GapMeter& gaps) noexcept {
  std::uint64_t now = began;
  switch (handler_.kind) {
    case LoadHandler::Kind::none: return now;
    case LoadHandler::Kind::user:
      handler_.function(bytes);
      // How long it usually takes is not known here: nothing inside counts as a gap.
      now = clock_.ticks();
      gaps.restart(now);
      return now;
    case LoadHandler::Kind::deadline:
      while (now - began < deadline_ticks_) {
        cpu::pause();
        now = clock_.ticks();
        gaps.see(now);
      }
      return now;
    case LoadHandler::Kind::work: break;
  }
  for (std::uint64_t left = iterations_; left != 0;) {
    const std::uint64_t piece = std::min(left, kPieceIterations);
    value_ = work(piece, value_);
    left -= piece;
    now = clock_.ticks();
    gaps.see_work(now, piece_ticks_ * piece / kPieceIterations);
  }
  return now;
}

}  // namespace millrace::bench
