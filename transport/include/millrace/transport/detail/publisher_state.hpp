// What a Publisher, its claims and its batches share. The message path is here, in the open, so
// that it is inlined; everything that may wait, look at readers or call the kernel is behind
// LaneOwner (transport/src).
#pragma once

#include "millrace/core/crash_point.hpp"
#include "millrace/core/fork_guard.hpp"
#include "millrace/core/lane_writer.hpp"
#include "millrace/core/order_ring.hpp"
#include "millrace/core/racing_copy.hpp"
#include "millrace/core/result.hpp"
#include "millrace/core/sleep.hpp"
#include "millrace/transport/detail/stamp_due.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace millrace::detail {

// The lane's file, its readers, and the slow path.
class LaneOwner;

struct LaneOwnerDelete {
  void operator()(LaneOwner* owner) const noexcept;
};

class PublisherState {
 public:
  PublisherState() = default;
  PublisherState(const PublisherState&) = delete;
  PublisherState& operator=(const PublisherState&) = delete;
  ~PublisherState();

  // The message can be written at once: nothing is open, the length is legal, there is room.
  [[nodiscard]] bool ready(std::uint64_t length) const noexcept {
    return !guard.foreign() && !open && !careful && length <= longest && writer.has_room(length);
  }

  // Makes room for a message of `length` bytes, waiting at most `timeout` for the readers in the
  // way. It says who they are if it cannot.
  Result<void> make_room(std::uint64_t length, std::chrono::nanoseconds timeout) noexcept;

  [[nodiscard]] std::byte* claim_bytes() const noexcept {
    return writer.lane().payload(writer.claim_position());
  }

  // Copies a message to where the next claim would be.
  void write(std::span<const std::byte> message) const noexcept {
    if (racing) {
      copy_to_ring(claim_bytes(), message.data(), message.size());
    } else if (!message.empty()) {
      std::memcpy(claim_bytes(), message.data(), message.size());
    }
  }

  void append(std::uint32_t length, std::uint16_t key) noexcept {
    writer.append(
        {.length = length, .type = RecordType::message, .sequence = 0, .flags = 0, .key = key});
  }

  // Publishes one message.
  Sequence publish(std::uint32_t length, std::uint16_t key) noexcept {
    append(length, key);
    return publish();
  }

  // Publishes the open batch; returns the sequence of its first message.
  Sequence publish() noexcept {
    if (ordered) return publish_in_order();
    const Sequence first = writer.sequence();
    if (stamp_is_due(first + writer.open_count(), stamp_due)) [[unlikely]]
      stamp_publish();
    const Position at = writer.publish();
    open = false;
    MILLRACE_CRASH_POINT("publish.before-wake");
    if (Sleep<ProductionMemory>::wanted(*asleep_at, at, writer.position(), fencing)) [[unlikely]]
      wake(at);
    return first;
  }

  void abort() noexcept;

  // Publishes what is open and waits until all of it is durable; returns its first sequence. If
  // there is no hope to begin with, it is aborted instead.
  Result<Sequence> publish_durable(std::uint64_t deadline_ns) noexcept;

  // Publisher::wait_durable, until a moment of CLOCK_MONOTONIC.
  Result<void> wait_durable(Sequence sequence, std::uint64_t deadline_ns) noexcept;

  [[nodiscard]] Sequence durable() const noexcept;

  // Drops what is open; returns the sequence it would have had.
  Sequence forget() noexcept {
    abort();
    return next_sequence();
  }

  // Of the next message, as far as it can be known.
  [[nodiscard]] Sequence next_sequence() const noexcept {
    return ordered && !guard.foreign() ? order.messages() : writer.sequence();
  }

  // Stamps (publisher_stamps.cpp). Plans the next ones, where `next` is the next message.
  void plan_stamps(Sequence next) noexcept;
  // For Publisher::intended.
  void intend(std::uint64_t ticks) noexcept;
  // Of the claim of a message that is stamped: when it was asked for; and once that has its room.
  [[nodiscard]] std::uint64_t claim_ticks() const noexcept;
  void stamp_claim(std::uint64_t length, std::uint64_t claim) noexcept;

  LaneWriter<ProductionMemory> writer;
  OrderWriter<ProductionMemory> order;  // of an ordered channel
  std::uint64_t first_block = 0;        // the number that our lane's first block has in it
  const layout::Word* asleep_at = nullptr;
  std::uint64_t longest = 0;  // message bytes
  ForkGuard guard;
  bool fencing = false;  // no membarrier: fence at every publish
  bool open = false;     // a claim or batch is open
  bool strict = false;   // require_readers: ask the slow path every time
  bool ordered = false;  // publish through `order`
  bool careful = false;  // ask it for the next message: strict, or that one is stamped
  bool racing = false;   // readers may be overtaken: payload moves through atomics
  std::unique_ptr<LaneOwner, LaneOwnerDelete> owner;
  std::unique_ptr<PublisherStamps, StampsDelete> stamps;  // null: off
  Sequence sampled = Sampling::kNever;                    // the next message whose claim is stamped
  Sequence stamp_due = Sampling::kNever;  // a publish that reaches so far has something to stamp

 private:
  Sequence publish_in_order() noexcept;
  void stamp_publish() noexcept;
  void forget_stamps() noexcept;
  void wake(Position at) noexcept;
};

}  // namespace millrace::detail
