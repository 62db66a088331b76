// An order ring on plain memory of this process.
#pragma once

#include "millrace/core/order_ring.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace millrace {

class PlainOrder {
 public:
  explicit PlainOrder(std::uint64_t words = layout::kOrderWordsMin)
      : words_(words), file_(new (kAlign) std::byte[layout::order_file_bytes(words)]()) {}

  [[nodiscard]] OrderView view() const { return {file_.get(), words_}; }

 private:
  static constexpr std::align_val_t kAlign{kFalseSharingBytes};

  struct Free {
    void operator()(std::byte* file) const { operator delete[](file, kAlign); }
  };

  std::uint64_t words_;
  std::unique_ptr<std::byte[], Free> file_;
};

using Orderer = OrderWriter<ProductionMemory>;
using TotalOrder = OrderRing<ProductionMemory>;

}  // namespace millrace
