// CH/stamps/ID.INCARNATION.K as its owner sees it: a flight recorder, and what is stamped into it.
// It stays when its owner goes or is killed. So that nobody has to tidy up for a channel whose
// processes come and go, whoever makes one removes the oldest of those whose owners are gone.
#pragma once

#include "channel_state.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/sampling.hpp"
#include "millrace/core/stamp_ring.hpp"
#include "reader_files.hpp"

#include <memory>
#include <optional>

namespace millrace::detail {

// Recorders have names like readers.
using RecorderName = ReaderName;

class StampRecorder {
 public:
  // Recorders of who is gone that a channel keeps; whoever makes another removes the oldest.
  static constexpr std::size_t kGoneKept = 16;

  // A new one for `wish`, else for what the channel's options say; null if that is off. Errors:
  // no_space, no_permission, unsupported (the clock of the domain cannot be used), and
  // bad_argument if the channel was made by a version that had no place for it.
  static Result<std::unique_ptr<StampRecorder>> create(const ChannelState& channel,
                                                       ParticipantName owner,
                                                       layout::StampRole role,
                                                       std::optional<Stamps> wish);

  StampRecorder(const StampRecorder&) = delete;
  StampRecorder& operator=(const StampRecorder&) = delete;
  ~StampRecorder();

  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }

  [[nodiscard]] const Sampling& sampling() const noexcept { return sampling_; }

  [[nodiscard]] StampWriter<StampView>& ring() noexcept { return ring_; }

  // The slot of a record that ring() still holds. REQUIRES ring().holds(number).
  [[nodiscard]] layout::StampSlot& slot(std::uint64_t number) const noexcept {
    return view_.slot(number);
  }

 private:
  StampRecorder(const Clock& clock, unsigned shift) noexcept : clock_(clock), sampling_(shift) {}

  Clock clock_;
  Sampling sampling_;
  Mapping mapping_;
  Watched watch_;
  StampView view_;
  StampWriter<StampView> ring_;
  ForkGuard guard_;
};

// Every recorder there is; nothing if the directory cannot be read.
[[nodiscard]] std::optional<std::vector<RecorderName>> recorder_names(const ChannelState& channel);

// A recorder of anybody, opened to be read. Errors: not_found, format, no_permission.
[[nodiscard]] Result<Segment> open_recorder(const ChannelState& channel, const RecorderName& name);

// Removes recorders whose owners are gone, but for the `kept` newest. Returns how many.
std::size_t remove_gone_recorders(const ChannelState& channel, std::size_t kept);

}  // namespace millrace::detail
