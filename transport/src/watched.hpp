// A mapping of a file that somebody else may cut short. While it is watched, touching a missing
// page gives zeroes and raises a flag instead of killing this process.
#pragma once

#include "millrace/core/mapping.hpp"
#include "millrace/core/sigbus_guard.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace millrace::detail {

class Watched {
 public:
  Watched() = default;

  Watched(void* base, std::size_t bytes, Access access)
      : base_(base), poisoned_(std::make_unique<std::atomic<std::uint32_t>>(0)) {
    SigbusGuard::install();
    // Refused (opted out, table full): a cut-off file kills this process, as without the guard.
    (void)SigbusGuard::watch(base, bytes, poisoned_.get(), access == Access::write);
  }

  Watched(Watched&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), poisoned_(std::move(other.poisoned_)) {}

  Watched& operator=(Watched&& other) noexcept {
    if (this != &other) {
      stop();
      base_ = std::exchange(other.base_, nullptr);
      poisoned_ = std::move(other.poisoned_);
    }
    return *this;
  }

  ~Watched() { stop(); }

  // Non-zero once its owner has cut the file short under us. Stays at this address.
  [[nodiscard]] std::atomic<std::uint32_t>* poisoned() const noexcept { return poisoned_.get(); }

 private:
  void stop() noexcept {
    if (base_ != nullptr) SigbusGuard::unwatch(base_);
    base_ = nullptr;
  }

  void* base_ = nullptr;
  std::unique_ptr<std::atomic<std::uint32_t>> poisoned_;
};

}  // namespace millrace::detail
