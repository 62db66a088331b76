// CH/remembered/NAME, held by the one living subscriber of that name (remembered_layout.hpp).
#pragma once

#include "channel_state.hpp"
#include "millrace/core/lifetime_lock.hpp"
#include "millrace/core/mapping.hpp"
#include "millrace/core/remembered_layout.hpp"
#include "watched.hpp"

#include <optional>
#include <string>

namespace millrace::detail {

class RememberedPlaces {
 public:
  // Errors: busy (a living subscriber has the name), no_permission, no_space, format.
  static Result<RememberedPlaces> open(const ChannelState& channel, const std::string& name,
                                       ParticipantName holder);

  // Where the last one of this name stood in the lane of this epoch.
  [[nodiscard]] std::optional<Sequence> place(std::uint32_t lane,
                                              std::uint64_t epoch) const noexcept;

  // Begins to remember the lane of this epoch: everything before `sequence` is acknowledged.
  layout::RememberedSlot& begin(std::uint32_t lane, std::uint64_t epoch,
                                Sequence sequence) const noexcept;

  // Has somebody had this name before, since the channel was made?
  [[nodiscard]] bool known() const noexcept { return known_; }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  RememberedPlaces(LifetimeLock lock, Mapping mapping, std::string name) noexcept;

  [[nodiscard]] layout::RememberedFile& file() const noexcept {
    return *reinterpret_cast<layout::RememberedFile*>(mapping_.data());
  }

  [[nodiscard]] layout::RememberedSlot& slot(std::uint32_t lane) const noexcept {
    return *reinterpret_cast<layout::RememberedSlot*>(mapping_.data() +
                                                      layout::remembered_slot_offset(lane));
  }

  LifetimeLock lock_;
  Mapping mapping_;
  Watched watch_;
  std::string name_;
  bool known_ = false;
};

}  // namespace millrace::detail
