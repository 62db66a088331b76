#include "millrace/transport/publisher.hpp"

#include "channel_stats.hpp"
#include "deadline.hpp"
#include "lane_owner.hpp"

#include <cinttypes>

namespace millrace {

namespace detail {

namespace {

Failure foreign() noexcept {
  return fail(Errc::foreign,
              "this publisher belongs to the parent process; open the domain anew after a fork");
}

Result<void> must_be_durable(const ChannelState& channel) noexcept {
  if (channel.options.durable) return {};
  return fail(Errc::bad_argument,
              "channel \"%s\" is not durable; create it with the option `durable`, or publish "
              "without waiting",
              channel.name.c_str());
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
  if (writer.sequence() != sampled) return owner->make_room(*this, length, timeout);
  const std::uint64_t asked = claim_ticks();
  Result<void> room;
  if (strict || length > longest || !writer.has_room(length)) {
    room = owner->make_room(*this, length, timeout);
  }
  if (room) stamp_claim(length, asked);
  return room;
}

void PublisherState::abort() noexcept {
  open = false;
  writer.abandon();
  if (guard.foreign()) return;
  owner->count_abort();
  forget_stamps();
}

Sequence PublisherState::durable() const noexcept {
  return guard.foreign() ? 0 : owner->durable(writer);
}

Result<void> PublisherState::wait_durable(Sequence sequence, std::uint64_t deadline_ns) noexcept {
  if (guard.foreign()) return foreign();
  if (auto durable = must_be_durable(*owner->channel()); !durable) return durable;
  if (sequence < writer.sequence()) return owner->wait_durable(writer, sequence, deadline_ns);
  return fail(Errc::bad_argument,
              "channel \"%s\": message %" PRIu64 " is not published, the next one is %" PRIu64
              "; wait for one that is",
              owner->channel()->name.c_str(), sequence, writer.sequence());
}

Result<Sequence> PublisherState::publish_durable(std::uint64_t deadline_ns) noexcept {
  Result<void> hope = guard.foreign() ? foreign() : must_be_durable(*owner->channel());
  if (hope) hope = owner->may_wait(true);
  if (!hope) {
    abort();
    return Failure(hope.error());
  }
  const Sequence first = publish();
  auto done = owner->wait_durable(writer, writer.sequence() - 1, deadline_ns);
  if (!done) return Failure(done.error());
  return first;
}

Sequence PublisherState::publish_in_order() noexcept {
  const auto count = static_cast<std::uint32_t>(writer.open_count());
  if (stamp_is_due(writer.sequence() + count, stamp_due)) [[unlikely]]
    stamp_publish();
  const Position at = writer.show_unordered();
  open = false;
  const std::uint64_t index = at & (writer.lane().capacity() - 1);
  const auto placed = order.publish(first_block + index / layout::kBlockBytes, count);
  if (!placed || owner->order_cut_off()) {
    owner->note_spoiled();
    owner->count_abort();
    strict = careful = true;  // the next claim asks make_room(), which says why there is none
    return order.messages();
  }
  writer.ordered(placed->ordinal + 1);
  MILLRACE_CRASH_POINT("publish.before-wake");
  // Anybody asleep for this word or a later one: one who saw later words may have raised
  // `asleep_at` over that of one who sleeps for this.
  const Ordinal frontier = placed->ordinal + order.order().capacity();
  if (Sleep<ProductionMemory>::wanted(*asleep_at, placed->ordinal, frontier, fencing)) {
    owner->wake(order.order().word(placed->ordinal));
  }
  return placed->sequence;
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
  if (state_->ordered && writer.open_count() == layout::kOrderCountMax) {
    return fail(Errc::too_big,
                "a batch of an ordered channel takes at most %u messages; publish it and begin "
                "another",
                layout::kOrderCountMax);
  }
  const bool stamped =
      detail::stamp_is_due(writer.sequence() + writer.open_count(), state_->sampled);
  const std::uint64_t asked = stamped ? state_->claim_ticks() : 0;
  if (length > state_->longest || !writer.has_room(length)) {
    auto room = state_->owner->make_room(*state_, length, timeout_);
    if (!room) return Failure(room.error());
  }
  if (stamped) state_->stamp_claim(length, asked);
  return std::span(state_->claim_bytes(), length);
}

Result<Sequence> Claim::publish_durable(std::chrono::nanoseconds timeout) && noexcept {
  return std::move(*this).publish_until(detail::deadline_after(timeout));
}

Result<Sequence> Claim::publish_until(std::uint64_t deadline_ns) && noexcept {
  detail::PublisherState* const state = std::exchange(state_, nullptr);
  if (!state->guard.foreign()) state->append(length_, key_);
  return state->publish_durable(deadline_ns);
}

Result<Sequence> Batch::publish_durable(std::chrono::nanoseconds timeout) && noexcept {
  if (count() == 0) return std::move(*this).publish();
  detail::PublisherState* const state = std::exchange(state_, nullptr);
  return state->publish_durable(detail::deadline_after(timeout));
}

Result<void> Publisher::wait_durable(Sequence sequence, std::chrono::nanoseconds timeout) noexcept {
  return state_->wait_durable(sequence, detail::deadline_after(timeout));
}

Result<Sequence> Publisher::send_durable(std::span<const std::byte> message, std::uint16_t key,
                                         std::chrono::nanoseconds timeout) noexcept {
  const std::uint64_t deadline = detail::deadline_after(timeout);
  auto claimed = claim_for(timeout, message.size(), key);
  if (!claimed) return Failure(claimed.error());
  state_->write(message);
  return std::move(*claimed).publish_until(deadline);
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
