// What the order ring's algorithm sees of CH/order: the words, what comes before every eighth, and
// the hint. It owns nothing; a subscriber's view lies in a read-only mapping.
#pragma once

#include "millrace/core/order_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace {

class OrderView {
 public:
  using Word = layout::Word;

  static constexpr std::uint64_t kGroup = layout::kOrderGroup;

  OrderView() = default;

  // `file` is the first byte of a whole CH/order with that many words (a power of two).
  OrderView(std::byte* file, std::uint64_t words) noexcept
      : file_(reinterpret_cast<layout::OrderFile*>(file)),
        words_(reinterpret_cast<Word*>(file + sizeof(layout::OrderFile))),
        firsts_(reinterpret_cast<Word*>(file + layout::order_firsts_offset(words))),
        shape_(words) {}

  [[nodiscard]] const layout::OrderShape& shape() const noexcept { return shape_; }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return shape_.words(); }

  [[nodiscard]] Word& hint() const noexcept { return file_->hint; }

  [[nodiscard]] Word& word(Ordinal ordinal) const noexcept {
    return words_[ordinal & (capacity() - 1)];
  }

  // Messages before word `ordinal`, the first of its group.
  [[nodiscard]] Word& first(Ordinal ordinal) const noexcept {
    return firsts_[(ordinal & (capacity() - 1)) / kGroup];
  }

 private:
  layout::OrderFile* file_ = nullptr;
  Word* words_ = nullptr;
  Word* firsts_ = nullptr;
  layout::OrderShape shape_;
};

}  // namespace millrace
