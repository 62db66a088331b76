#include "publisher_stamps.hpp"

#include "millrace/transport/publisher.hpp"

namespace millrace {

namespace detail {

namespace {

constexpr std::size_t kPublished = 3;  // which stamp of the record

}  // namespace

void PublisherStamps::claimed(Sequence sequence, std::uint64_t length,
                              std::uint64_t claim) noexcept {
  const std::uint64_t intended = intended_for_ == sequence ? intended_ : 0;
  recorder_->ring().write({.number = 0,
                           .sequence = sequence,
                           .lane = lane_,
                           .length = static_cast<std::uint32_t>(length),
                           .epoch = epoch_,
                           .stamps = {intended, claim, ticks(), 0}});
}

void PublisherStamps::publishing() noexcept {
  auto& ring = recorder_->ring();
  const std::uint64_t now = ticks();
  for (; open_from_ < ring.written(); ++open_from_)
    ring.add(open_from_, kPublished, now);
}

void StampsDelete::operator()(PublisherStamps* stamps) const noexcept {
  delete stamps;
}

void PublisherState::plan_stamps(Sequence next) noexcept {
  if (!stamps) return;
  sampled = stamps->at_or_after(next);
  stamp_due = sampled == next ? next + 1 : sampled;
  careful = strict || sampled == next;
}

void PublisherState::stamp_publish() noexcept {
  stamps->publishing();
  plan_stamps(writer.sequence() + writer.open_count());
}

void PublisherState::forget_stamps() noexcept {
  if (!stamps) return;
  stamps->aborted();
  plan_stamps(writer.sequence());
}

std::uint64_t PublisherState::claim_ticks() const noexcept {
  return stamps->ticks();
}

void PublisherState::stamp_claim(std::uint64_t length, std::uint64_t claim) noexcept {
  const Sequence sequence = writer.sequence() + writer.open_count();
  stamps->claimed(sequence, length, claim);
  sampled = stamps->at_or_after(sequence + 1);
}

void PublisherState::intend(std::uint64_t ticks) noexcept {
  if (stamps) stamps->intended(writer.sequence() + writer.open_count(), ticks);
}

}  // namespace detail

void Publisher::intended(std::uint64_t ticks) noexcept {
  if (!state_->guard.foreign()) state_->intend(ticks);
}

}  // namespace millrace
