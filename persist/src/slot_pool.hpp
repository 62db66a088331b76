// Slots that hold nothing anybody needs: spares that are ready, and files that must be prepared
// before they are. It decides which and when; the journal does the work.
//
// Of the spares the last one is kept back: only a segment that lets others go may take it, so that
// a full disk can always be freed by acknowledging.
#pragma once

#include "millrace/persist/disk.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace millrace {

class SlotPool {
 public:
  // `keep` slots are kept ready beside the one that is kept back.
  explicit SlotPool(std::uint32_t keep) noexcept : keep_(keep + std::size_t{1}) {}

  // A slot that is in use or set aside: its number is taken.
  void know(Disk::File file) { known_.insert(file); }

  void add_spare(Disk::File file);
  void add_unprepared(Disk::File file);

  [[nodiscard]] std::size_t spares() const noexcept { return spares_.size(); }

  // `last_too`: the one that is kept back as well.
  [[nodiscard]] bool available(bool last_too) const noexcept {
    return spares_.size() > (last_too ? 0U : 1U);
  }

  // REQUIRES available(...).
  [[nodiscard]] Disk::File take() noexcept;

  // Is another spare wanted? Then next_to_prepare() says which number it gets.
  [[nodiscard]] bool wants_more() const noexcept { return spares_.size() < keep_; }

  [[nodiscard]] Disk::File next_to_prepare() const noexcept;

  // It is ready, or it could not be made: then what is left of it, if anything, is tried again.
  void prepared(Disk::File file, bool ready);

  // A spare beyond what is kept, to be deleted.
  [[nodiscard]] std::optional<Disk::File> superfluous();

 private:
  std::size_t keep_;
  std::set<Disk::File> known_;
  std::vector<Disk::File> spares_;  // the oldest first
  std::vector<Disk::File> unprepared_;
};

}  // namespace millrace
