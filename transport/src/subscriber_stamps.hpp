// What a subscriber stamps: a record is begun when a message that is to be stamped is handed out.
// It gets the stamp `processed` when the handler returns, or at the next poll, and `released` when
// the position behind it is told to the publisher.
//
// Thread rules: the subscriber's.
#pragma once

#include "millrace/transport/detail/subscriber_state.hpp"
#include "stamp_recorder.hpp"

namespace millrace::detail {

class SubscriberStamps {
 public:
  explicit SubscriberStamps(std::unique_ptr<StampRecorder> recorder) noexcept
      : recorder_(std::move(recorder)) {}

  [[nodiscard]] const Clock& clock() const noexcept { return recorder_->clock(); }

  [[nodiscard]] Sequence at_or_after(Sequence sequence) const noexcept {
    return recorder_->sampling().at_or_after(sequence);
  }

  // The record of `cursor` was seen at `visible` and is handed out now.
  void begin(LaneCursor& cursor, const Record& record, std::uint64_t visible) noexcept;

  // A message is in the caller's hands whose record waits for `processed`.
  [[nodiscard]] bool in_hand() const noexcept { return in_hand_ != kNone; }

  void processed() noexcept;

  // Everything of this lane was released.
  void released(LaneCursor& cursor) noexcept;

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  std::unique_ptr<StampRecorder> recorder_;
  std::uint64_t in_hand_ = kNone;
  std::uint64_t unreleased_from_ = 0;  // number of the first record that waits for `released`
};

}  // namespace millrace::detail
