#include "millrace/transport/publisher.hpp"

#include "channel_stats.hpp"
#include "lane_owner.hpp"

#include <cinttypes>

namespace millrace {

namespace detail {

namespace {

Failure foreign() noexcept {
  return fail(Errc::foreign,
              "this publisher belongs to the parent process; open the domain anew after a fork");
}

}  // namespace

void LaneOwnerDelete::operator()(LaneOwner* owner) const noexcept {
  delete owner;
}

PublisherState::~PublisherState() {
  if (owner && !guard.foreign()) owner->close(*this);
}

Result<void> PublisherState::make_room(std::uint64_t length,
                                       std::chrono::nanoseconds timeout) noexcept {
  if (guard.foreign()) return foreign();
  if (open) {
    return fail(
        Errc::bad_argument,
        "channel \"%s\": this publisher has an open claim or batch; publish or drop it first",
        owner->channel()->name.c_str());
  }
  return owner->make_room(*this, length, timeout);
}

void PublisherState::abort() noexcept {
  open = false;
  writer.abandon();
  if (!guard.foreign()) owner->count_abort();
}

void PublisherState::wake(Position at) noexcept {
  owner->wake(at);
}

}  // namespace detail

Result<std::span<std::byte>> Batch::claim(std::size_t length) noexcept {
  auto& writer = state_->writer;
  if (state_->guard.foreign()) return detail::foreign();
  const std::uint64_t most = writer.lane().capacity() / kBatchesPerRingMin;
  if (writer.limit_needed(length) - writer.position() > most) {
    return fail(Errc::too_big,
                "a batch takes at most half of the ring, %" PRIu64
                " bytes; publish it and begin another",
                most);
  }
  if (length > state_->longest || !writer.has_room(length)) {
    auto room = state_->owner->make_room(*state_, length, timeout_);
    if (!room) return Failure(room.error());
  }
  return std::span(state_->claim_bytes(), length);
}

Result<Batch> Publisher::batch(std::chrono::nanoseconds timeout) noexcept {
  if (state_->guard.foreign()) return detail::foreign();
  if (state_->open) {
    return fail(
        Errc::bad_argument,
        "channel \"%s\": this publisher has an open claim or batch; publish or drop it first",
        state_->owner->channel()->name.c_str());
  }
  return Batch(state_.get(), timeout);
}

std::uint32_t Publisher::lane() const noexcept {
  return state_->owner->lane().lane;
}

LaneStats Publisher::stats() const {
  if (state_->guard.foreign()) return {};  // the parent's files are not mapped here
  state_->owner->account(state_->writer);
  return detail::lane_stats(*state_->owner->channel(), state_->owner->lane());
}

}  // namespace millrace
