// What proves that an item was durable (D1). Only a word that was written after the fact counts:
// the watermark in a later header, an item that could not have been submitted before, a new epoch,
// the clean end. Where a segment says its predecessor ends is no proof.
#pragma once

#include "millrace/persist/journal.hpp"
#include "millrace/persist/journal_records.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace millrace {

enum class Proof : std::uint8_t { none, clean_end, lower_bound, watermark, depth, epoch };

[[nodiscard]] const char* to_string(Proof proof) noexcept;

class Evidence {
 public:
  explicit Evidence(const layout::Manifest& manifest);

  // An authentic header, wherever it was found.
  void take(const layout::ItemHeader& header);

  // The first segment of a later epoch begins with this item: everything below it was flushed.
  void take_new_epoch(ItemNumber item, std::uint64_t epoch);

  // Every item up to this one was durable.
  [[nodiscard]] ItemNumber proven() const noexcept { return proven_; }

  [[nodiscard]] Proof by() const noexcept { return by_; }

  // Seen in any authentic header.
  [[nodiscard]] ItemNumber highest_item() const noexcept { return highest_item_; }

  [[nodiscard]] std::uint64_t highest_epoch() const noexcept { return highest_epoch_; }

  [[nodiscard]] std::uint64_t highest_segment() const noexcept { return highest_segment_; }

 private:
  void prove(ItemNumber item, std::uint64_t epoch, Proof by);

  layout::Manifest manifest_;
  ItemNumber proven_ = 0;
  Proof by_ = Proof::none;
  ItemNumber highest_item_ = 0;
  std::uint64_t highest_epoch_ = 0;
  std::uint64_t highest_segment_ = 0;
};

// The accepted loss that this item lies in; nothing: it is not given up.
[[nodiscard]] std::optional<layout::Tombstone> loss_of(const layout::Manifest& manifest,
                                                       ItemNumber item) noexcept;

}  // namespace millrace
