#include "journal_stamps.hpp"

namespace millrace::detail {

namespace {

// Which stamps of the record.
constexpr std::size_t kSubmitted = 1;
constexpr std::size_t kWritten = 2;
constexpr std::size_t kDurable = 3;

}  // namespace

JournalStamps::JournalStamps(const ChannelState& channel, ParticipantName persister) {
  auto made = StampRecorder::create(channel, persister, layout::StampRole::journal, std::nullopt);
  if (made) {
    recorder_ = std::move(*made);
  } else {
    refused_ = made.error().sentence();
  }
}

void JournalStamps::appended(std::uint32_t lane, std::uint64_t epoch, Sequence first,
                             std::uint64_t count) noexcept {
  if (!recorder_) return;
  const Sampling& sampling = recorder_->sampling();
  Sequence next = sampling.at_or_after(first);
  if (next - first >= count) return;
  const std::uint64_t now = recorder_->clock().ticks();
  for (; next - first < count; next = sampling.at_or_after(next + 1)) {
    recorder_->ring().write({.number = 0,
                             .sequence = next,
                             .lane = lane,
                             .length = 0,  // its publisher says
                             .epoch = epoch,
                             .stamps = {now, 0, 0, 0}});
  }
}

void JournalStamps::submitted(std::uint64_t item) {
  if (!recorder_ || recorder_->ring().written() == submitted_end_) return;
  stamp(submitted_end_, recorder_->ring().written(), kSubmitted);
  submitted_end_ = recorder_->ring().written();
  items_.push_back({item, submitted_end_, false});
}

void JournalStamps::reached(std::uint64_t written, std::uint64_t durable) noexcept {
  std::uint64_t begin = durable_end_;
  for (Item& item : items_) {
    if (item.number > written) break;
    if (!item.written) stamp(begin, item.end, kWritten);
    item.written = true;
    begin = item.end;
  }
  while (!items_.empty() && items_.front().number <= durable) {
    stamp(durable_end_, items_.front().end, kDurable);
    durable_end_ = items_.front().end;
    items_.pop_front();
  }
}

void JournalStamps::stamp(std::uint64_t begin, std::uint64_t end, std::size_t which) noexcept {
  const std::uint64_t now = recorder_->clock().ticks();
  for (std::uint64_t number = begin; number < end; ++number)
    recorder_->ring().add(number, which, now);
}

}  // namespace millrace::detail
