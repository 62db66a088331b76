// What a publisher stamps. A record is begun when a message that is to be stamped is claimed, so
// that a publisher that dies with an open claim shows it; it gets its last stamp just before the
// store that makes the message visible: so no reader can have seen it earlier.
//
// Thread rules: the publisher's.
#pragma once

#include "millrace/transport/detail/publisher_state.hpp"
#include "stamp_recorder.hpp"

namespace millrace::detail {

class PublisherStamps {
 public:
  PublisherStamps(std::unique_ptr<StampRecorder> recorder, std::uint32_t lane,
                  std::uint64_t epoch) noexcept
      : recorder_(std::move(recorder)), lane_(lane), epoch_(epoch) {}

  [[nodiscard]] std::uint64_t ticks() const noexcept { return recorder_->clock().ticks(); }

  [[nodiscard]] Sequence at_or_after(Sequence sequence) const noexcept {
    return recorder_->sampling().at_or_after(sequence);
  }

  void intended(Sequence sequence, std::uint64_t ticks) noexcept {
    intended_for_ = sequence;
    intended_ = ticks;
  }

  // Message `sequence` was asked for at `claim`, and has its room now.
  void claimed(Sequence sequence, std::uint64_t length, std::uint64_t claim) noexcept;

  // What was claimed since is about to become visible.
  void publishing() noexcept;

  // What was claimed since never will.
  void aborted() noexcept { open_from_ = recorder_->ring().written(); }

 private:
  std::unique_ptr<StampRecorder> recorder_;
  std::uint32_t lane_;
  std::uint64_t epoch_;
  std::uint64_t open_from_ = 0;  // number of the first record that waits for its last stamp
  Sequence intended_for_ = Sampling::kNever;
  std::uint64_t intended_ = 0;
};

}  // namespace millrace::detail
