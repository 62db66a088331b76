// CH/journal: how far a durable channel is on disk. One writing role: the process that holds the
// lock of the channel's log. Everybody else maps it read-only: publishers never overwrite what lies
// above a durable point, durable subscribers never deliver it.
//
// The file is made with the channel, before the first lane, so a lane without a floor cannot exist.
#pragma once

#include "millrace/core/lane_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

enum class JournalState : std::uint32_t {
  absent = 0,    // no persister has attached since the channel was made: no lane may be made
  ok = 1,        // "down" is derived: the persister's participant is dead
  full = 2,      // the disk has no room; goes on by itself when there is some
  poisoned = 3,  // a write or flush failed: what was not yet durable has an unknown outcome
  detached = 4,  // an administrator took the journal away: the floor does not count
};

struct DurablePoint {
  Word position;
  Word sequence;
};

//   offset  size  field       writer     meaning
//        0     8  lane_epoch  persister  the lane these points belong to (stored after the first)
//        8     8  turn        persister  number of the newest point, 0: none; it lies in turn mod 2
//       16    32  points      persister  all before it is durable
//       48     4  advanced    persister  counts the advances; who waits sleeps on it
//       52     4  refused     persister  1: this lane contradicts the log and is not journaled
//       56     8  gaps        persister  messages that were overwritten before they were journaled
//       64     8  gap_first   persister  first message of the first gap; valid if gap_end is not 0
//       72     8  gap_end     persister  end of the last gap: from it on nothing is missing
//       80     8  stands_at   persister  goes on here after a gap; the ring from here on must stay
//       88     4  detaches    persister  of the file, as of its last look at this lane
//       92    36  reserved    -          zero
struct JournalSlot {
  Word lane_epoch;
  Word turn;
  DurablePoint points[2];
  HalfWord advanced;
  HalfWord refused;
  Word gaps;
  Word gap_first;
  Word gap_end;
  Word stands_at;
  HalfWord detaches;
  std::uint8_t reserved[36];
};

static_assert(sizeof(JournalSlot) == kFalseSharingBytes);
static_assert(offsetof(JournalSlot, lane_epoch) == 0);
static_assert(offsetof(JournalSlot, turn) == 8);
static_assert(offsetof(JournalSlot, points) == 16);
static_assert(offsetof(JournalSlot, advanced) == 48);
static_assert(offsetof(JournalSlot, refused) == 52);
static_assert(offsetof(JournalSlot, gaps) == 56);
static_assert(offsetof(JournalSlot, gap_first) == 64);
static_assert(offsetof(JournalSlot, gap_end) == 72);
static_assert(offsetof(JournalSlot, stands_at) == 80);
static_assert(offsetof(JournalSlot, detaches) == 88);

//   offset  size  field        writer     meaning
//        0   128  header       creator    SegmentHeader, kind journal
//      128    16  log_uuid     persister  the log on disk
//      144    16  channel      persister  this channel's identity in the log, beyond reboots
//      160     8  epoch        persister  of the log: raised by every opening
//      168     8  incarnation  persister  participant that holds the log
//      176     4  id           persister  its id
//      180     4  state        persister  JournalState; who waits for a change sleeps on it
//      184     4  error        persister  errno behind full and poisoned
//      188     4  attaches     persister  how many persisters have attached
//      192     8  beat         persister  CLOCK_MONOTONIC ns of its last round; for messages only
//      200     8  bytes        persister  written to the log for this channel and others
//      208     4  detaches     persister  how often the journal was taken away: lanes may have gaps
//      212   300  reserved     -          zero
//      512     -  -            persister  JournalSlot of lane 0, 1, 2, ...
struct ChannelJournalFile {
  SegmentHeader header;
  std::uint8_t log_uuid[16];
  std::uint8_t channel[16];
  Word epoch;
  Word incarnation;
  HalfWord id;
  HalfWord state;
  HalfWord error;
  HalfWord attaches;
  Word beat;
  Word bytes;
  HalfWord detaches;
  std::uint8_t reserved[300];
};

static_assert(sizeof(ChannelJournalFile) == 512);
static_assert(offsetof(ChannelJournalFile, header) == 0);
static_assert(offsetof(ChannelJournalFile, log_uuid) == 128);
static_assert(offsetof(ChannelJournalFile, channel) == 144);
static_assert(offsetof(ChannelJournalFile, epoch) == 160);
static_assert(offsetof(ChannelJournalFile, incarnation) == 168);
static_assert(offsetof(ChannelJournalFile, id) == 176);
static_assert(offsetof(ChannelJournalFile, state) == 180);
static_assert(offsetof(ChannelJournalFile, error) == 184);
static_assert(offsetof(ChannelJournalFile, attaches) == 188);
static_assert(offsetof(ChannelJournalFile, beat) == 192);
static_assert(offsetof(ChannelJournalFile, bytes) == 200);
static_assert(offsetof(ChannelJournalFile, detaches) == 208);

constexpr std::size_t journal_slot_offset(std::uint32_t lane) noexcept {
  return sizeof(ChannelJournalFile) + std::size_t{lane} * sizeof(JournalSlot);
}

constexpr std::size_t channel_journal_bytes(std::uint32_t lanes) noexcept {
  return (journal_slot_offset(lanes) + kPageBytes - 1) / kPageBytes * kPageBytes;
}

inline constexpr std::uint64_t kChannelJournalFingerprint =
    fingerprint({8,
                 sizeof(ChannelJournalFile),
                 sizeof(JournalSlot),
                 offsetof(JournalSlot, lane_epoch),
                 offsetof(JournalSlot, turn),
                 offsetof(JournalSlot, points),
                 offsetof(JournalSlot, advanced),
                 offsetof(JournalSlot, refused),
                 offsetof(JournalSlot, gaps),
                 offsetof(JournalSlot, gap_first),
                 offsetof(JournalSlot, gap_end),
                 offsetof(JournalSlot, stands_at),
                 offsetof(JournalSlot, detaches),
                 offsetof(ChannelJournalFile, header),
                 offsetof(ChannelJournalFile, log_uuid),
                 offsetof(ChannelJournalFile, channel),
                 offsetof(ChannelJournalFile, epoch),
                 offsetof(ChannelJournalFile, incarnation),
                 offsetof(ChannelJournalFile, id),
                 offsetof(ChannelJournalFile, state),
                 offsetof(ChannelJournalFile, error),
                 offsetof(ChannelJournalFile, attaches),
                 offsetof(ChannelJournalFile, beat),
                 offsetof(ChannelJournalFile, bytes),
                 offsetof(ChannelJournalFile, detaches)});

}  // namespace millrace::layout
