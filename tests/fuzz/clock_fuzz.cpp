// Any bytes as the domain's clock calibration: refused, or a clock whose formulas hold for every
// tick.
#include "fuzz_domain.hpp"
#include "millrace/core/clock.hpp"

#include <cstring>

namespace {

using namespace millrace;

// Times that must not go backwards with the ticks, and differences that fit.
void use(const Clock& clock) {
  const std::uint64_t now = clock.ticks();
  for (const std::uint64_t ticks : {std::uint64_t{0}, now, now + 1, ~std::uint64_t{0}}) {
    (void)clock.to_ns(ticks);
    (void)clock.duration_ns(ticks);
    (void)clock.duration_ticks(ticks);
  }
  if (clock.duration_ns(1'000'000) < clock.duration_ns(999'999)) {
    fuzz::broken_promise("time runs backwards");
  }
  (void)clock.now_ns();
  (void)clock.report();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static fuzz::FuzzDomain domain;
  static const fuzz::Bytes valid = fuzz::seeds().front();
  const auto [choice, rest] = fuzz::split(data, bytes);
  fuzz::Bytes file = rest;
  if (choice % 4 != 0) fuzz::repair_header(file, std::span(valid).subspan(1));
  domain.put("", Clock::file_name().data(), file);
  if (const auto clock = Clock::open(domain.fd())) use(*clock);
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  const FuzzDomain domain;
  if (!Clock::open(domain.fd())) broken_promise("no seeds");
  Bytes tsc = domain.get("", Clock::file_name().data());
  Bytes monotonic = tsc;
  const std::uint32_t source = 1;
  const std::uint32_t shift = 0;
  const std::uint64_t rate = 1;
  std::memcpy(monotonic.data() + offsetof(layout::ClockFile, source), &source, sizeof source);
  std::memcpy(monotonic.data() + offsetof(layout::ClockFile, shift), &shift, sizeof shift);
  std::memcpy(monotonic.data() + offsetof(layout::ClockFile, mult), &rate, sizeof rate);
  std::memcpy(monotonic.data() + offsetof(layout::ClockFile, base_ticks),
              monotonic.data() + offsetof(layout::ClockFile, base_monotonic_ns), sizeof rate);
  return {join(1, tsc), join(4, tsc), join(1, monotonic)};
}
