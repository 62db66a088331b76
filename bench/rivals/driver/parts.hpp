// Collects the timed parts of a slice, and writes them into the page at the end.
#pragma once

#include "setup.hpp"

namespace millrace::rivals {

class Parts {
 public:
  // One part of `messages`, which took from `began_ns` until now.
  void add(std::uint64_t began_ns, std::uint64_t messages) noexcept {
    const auto took = static_cast<double>(now_ns() - began_ns);
    set(took / static_cast<double>(messages), static_cast<double>(messages));
  }

  // One part whose figure is known.
  void set(double ns, double weight = 1) noexcept {
    if (filled_ < kParts) part_ns_[filled_++] = ns;
    all_ns_ += ns * weight;
    all_ += weight;
  }

  void expect(std::uint64_t got, std::uint64_t expected) noexcept {
    wrong_ += got != expected ? 1 : 0;
  }

  void write(RivalPage& page) const noexcept {
    page.wrong = wrong_;
    page.mean_ns = all_ > 0 ? all_ns_ / all_ : 0;
    for (std::size_t part = 0; part < kParts; ++part)
      page.part_ns[part] = part_ns_[part];
  }

 private:
  double part_ns_[kParts] = {};
  std::size_t filled_ = 0;
  double all_ns_ = 0;
  double all_ = 0;
  std::uint64_t wrong_ = 0;
};

}  // namespace millrace::rivals
