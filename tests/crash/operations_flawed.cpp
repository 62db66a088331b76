// Publishers with a planted mistake, in bytes that are right in the end: only a death in between
// shows them, and the search must.
#include "millrace/core/record_layout.hpp"
#include "numbered_text.hpp"
#include "operation.hpp"

#include <array>
#include <cstring>

namespace millrace::crash {

namespace {

// Fills the ring once, so that old bytes lie where the next header must be zero.
void after_a_lap(Actor& me) {
  me.publishes();
  for (int i = 0; i < 40; ++i)
    me.send();
  me.text = testing_support::numbered_text(me.source->next_sequence());
  me.ledger().begun.store(me.source->next_sequence() + 1, std::memory_order_relaxed);
}

// The library's own header for this message, made by hand.
std::uint64_t header_of(const Actor& me) {
  return layout::RecordHeader{.length = static_cast<std::uint32_t>(me.text.size()),
                              .type = RecordType::message,
                              .sequence = static_cast<std::uint8_t>(me.source->next_sequence()),
                              .flags = 0,
                              .key = kVictim}
      .word();
}

void store(std::byte* place, std::uint64_t word) {
  auto* const shared = reinterpret_cast<std::uint64_t*>(place);
  std::atomic_ref(*shared).store(word, std::memory_order_relaxed);
}

Claim room(Actor& me) {
  auto claim = me.source->try_claim(me.text.size(), kVictim);
  if (!claim) me.give_up(claim.error().sentence());
  return std::move(*claim);
}

void finish(Actor& me, Claim claim) {
  const Sequence sequence = std::move(claim).publish();
  me.ledger().committed.store(sequence + 1, std::memory_order_relaxed);
}

void header_before_payload(Actor& me) {
  Claim claim = room(me);
  std::byte* const place = claim.bytes().data();
  store(place + layout::record_bytes(me.text.size()) - kHeaderBytes, 0);
  store(place - kHeaderBytes, header_of(me));
  std::memcpy(place, me.text.data(), me.text.size());
  finish(me, std::move(claim));
}

void header_before_the_next_zero(Actor& me) {
  Claim claim = room(me);
  std::byte* const place = claim.bytes().data();
  std::memcpy(place, me.text.data(), me.text.size());
  store(place - kHeaderBytes, header_of(me));
  finish(me, std::move(claim));
}

// Says that it is published before it is.
void too_early_a_promise(Actor& me) {
  Claim claim = room(me);
  std::memcpy(claim.bytes().data(), me.text.data(), me.text.size());
  me.ledger().committed.store(me.source->next_sequence() + 1, std::memory_order_relaxed);
  finish(me, std::move(claim));
}

constexpr std::array kOperations{
    Operation{.name = "flawed: header before payload",
              .act = header_before_payload,
              .prepare = after_a_lap,
              .flawed = true},
    Operation{.name = "flawed: header before the next zero",
              .act = header_before_the_next_zero,
              .prepare = after_a_lap,
              .flawed = true},
    Operation{.name = "flawed: promised too early",
              .act = too_early_a_promise,
              .prepare = after_a_lap,
              .flawed = true},
};

}  // namespace

std::span<const Operation> flawed_operations() {
  return kOperations;
}

}  // namespace millrace::crash
