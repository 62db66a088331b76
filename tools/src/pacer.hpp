// Pacer spreads messages evenly over time: the n-th is due n / rate seconds after the first. Who
// was held up catches up, so the average is kept, and a stall shows as what it is.
//
// Thread rules: one thread.
#pragma once

#include <cstdint>

namespace millrace::tools {

class Pacer {
 public:
  // Starts now. 0 a second means as fast as possible.
  explicit Pacer(double per_second) noexcept;

  // Waits until the next message is due. False if the end was requested meanwhile.
  [[nodiscard]] bool wait() noexcept;

 private:
  double per_second_;
  std::uint64_t began_ns_;
  std::uint64_t count_ = 0;
};

}  // namespace millrace::tools
