// Copying runs of records out of a ring.
#include "journaled_lane.hpp"
#include "millrace/core/crash_point.hpp"
#include "millrace/core/racing_copy.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace millrace::detail {

namespace {

// Could it be the header of message `sequence`?
bool is_record(const layout::RecordHeader& header, Sequence sequence) noexcept {
  return layout::has_sequence(header.type) && header.sequence == (sequence & 0xff) &&
         (layout::known(header) || layout::may_skip(header.type));
}

layout::RecordHeader header_at(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return layout::RecordHeader::of(word);
}

// Are these the whole records of `count` messages from `first` on?
bool are_records(std::span<const std::byte> copied, Sequence first, std::uint32_t count) noexcept {
  for (; count != 0 && copied.size() >= kHeaderBytes; --count, ++first) {
    const layout::RecordHeader header = header_at(copied.data());
    const std::uint64_t bytes = layout::record_bytes(header.length);
    if (!is_record(header, first) || bytes > copied.size()) return false;
    copied = copied.subspan(bytes);
  }
  return count == 0 && copied.empty();
}

bool begins_record(std::span<const std::byte> copied, Sequence sequence,
                   std::uint64_t bytes) noexcept {
  if (copied.size() < kHeaderBytes) return false;
  const layout::RecordHeader header = header_at(copied.data());
  return is_record(header, sequence) && layout::record_bytes(header.length) == bytes;
}

}  // namespace

bool JournaledLane::add_record(Measured& m, std::uint64_t room) const noexcept {
  const LaneView& lane = files_.view;
  // [sync:record] Acquire, as in LaneReader::poll.
  const std::uint64_t word = lane.header(m.end.position).load(std::memory_order_acquire);
  if (word == 0) return false;
  const auto header = layout::RecordHeader::of(word);
  const bool numbered = layout::has_sequence(header.type);
  const std::uint64_t bytes = layout::record_bytes(header.length);
  // A publisher writes below its limit only, and stores it before the header.
  const Position limit = lane.limit().load(std::memory_order_relaxed);
  m.broken = header.length > message_bytes_max(lane.capacity()) ||
             (numbered && !is_record(header, m.end.sequence)) ||
             (!layout::known(header) && !layout::may_skip(header.type)) ||
             m.end.position + bytes + kHeaderBytes > limit;
  if (m.broken) return false;
  if (!numbered) {
    // It has no number, so the log does not want it: a run begins behind it, or ends before it.
    if (m.count != 0) return false;
    m.end.position += bytes;
    m.begin = m.end;
    return m.begin.position - at_.position < lane.capacity();
  }
  if (m.end.position + bytes - m.begin.position > room) {
    m.next_bytes = bytes;
    return false;
  }
  m.end.position += bytes;
  ++m.end.sequence;
  ++m.count;
  return m.count < std::numeric_limits<std::uint32_t>::max();
}

JournaledLane::Measured JournaledLane::measure(std::uint64_t room) const noexcept {
  Measured m{.begin = at_, .end = at_};
  const std::uint64_t most = std::min(room, files_.view.capacity());
  while (add_record(m, most)) {
  }
  return m;
}

void JournaledLane::copy_bytes(std::byte* to, Position from, std::uint64_t bytes) const noexcept {
  const std::byte* const ring = files_.view.payload(from) - kHeaderBytes;
  // Where a publisher may overtake us every word moves through an atomic; the outcome is decided by
  // the look at the limit afterwards.
  if (channel_.may_overwrite()) {
    copy_from_ring(to, ring, bytes);
  } else {
    std::memcpy(to, ring, bytes);
  }
}

Result<FeedRun> JournaledLane::copy(std::span<std::byte> room) noexcept {
  constexpr int kAttempts = 16;  // a lane that laps us again and again is left for the next turn
  for (int attempt = 0; ready_ && attempt < kAttempts; ++attempt) {
    const Measured m = measure(room.size());
    const std::uint64_t bytes = m.count == 0 ? 0 : m.end.position - m.begin.position;
    MILLRACE_CRASH_POINT("journal.measured");
    if (bytes != 0) copy_bytes(room.data(), m.begin.position, bytes);
    if (files_.cut_off()) return broken("its file was cut short");
    if (!intact(at_.position)) {
      if (channel_.options.when_journal_fails == WhenJournalFails::block) {
        return broken("its ring was overwritten before it was durable");
      }
      // What was copied before is on its way to the log. The gap begins behind it.
      if (durable_.sequence != at_.sequence && lost_ == 0) {
        return FeedRun{.first = at_.sequence, .again = true};
      }
      if (auto placed = take_new_place(); !placed) return Failure(placed.error());
      continue;
    }
    // What is whole before such bytes is journaled; the next call finds them alone.
    if (m.broken && m.count == 0) return broken("bytes that no publisher writes");
    if (!are_records(room.first(bytes), m.begin.sequence, m.count)) {
      return broken("records that changed while they were copied");
    }
    FeedRun run{.first = m.begin.sequence,
                .count = m.count,
                .bytes = bytes,
                .lost = lost_,
                .record_bytes = m.count == 0 ? m.next_bytes : 0};
    at_ = m.end;
    MILLRACE_CRASH_POINT("journal.copied");
    return run;
  }
  return FeedRun{.first = at_.sequence, .lost = lost_, .again = ready_};
}

Result<std::size_t> JournaledLane::copy_part(std::uint64_t offset, std::uint64_t whole,
                                             std::span<std::byte> room) noexcept {
  Measured one{.begin = at_, .end = at_};
  while (one.count == 0 && add_record(one, files_.view.capacity())) {
  }
  const bool there = ready_ && one.count == 1;
  const std::uint64_t bytes = there ? one.end.position - one.begin.position : 0;
  const std::uint64_t part =
      offset < bytes ? std::min<std::uint64_t>(room.size(), bytes - offset) : 0;
  if (part != 0) copy_bytes(room.data(), one.begin.position + offset, part);
  if (files_.cut_off()) return broken("its file was cut short");
  if (!intact(at_.position)) {
    if (channel_.options.when_journal_fails == WhenJournalFails::block) {
      return broken("its ring was overwritten before it was durable");
    }
    return fail(Errc::overrun, "channel \"%s\", lane %u overtook its journal within a message",
                channel_.name.c_str(), files_.lane);
  }
  if (part == 0) return broken("a part of a message that is not there was asked for");
  if (bytes != whole || (offset == 0 && !begins_record(room.first(part), at_.sequence, whole))) {
    return broken("a record that changed while it was copied");
  }
  if (offset + part == bytes) at_ = one.end;
  return part;
}

}  // namespace millrace::detail
