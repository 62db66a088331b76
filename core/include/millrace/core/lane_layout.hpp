// CH/lane-N: one producer's ring. The first page is control, written only by the lane's publisher;
// the ring follows at `data_offset` (or lies in its own file on hugetlbfs). Subscribers map all of
// it read-only.
#pragma once

#include "millrace/core/fingerprint.hpp"
#include "millrace/core/record_layout.hpp"
#include "millrace/core/segment_layout.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace::layout {

using Word = std::atomic<std::uint64_t>;
using HalfWord = std::atomic<std::uint32_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8);
static_assert(HalfWord::is_always_lock_free && sizeof(HalfWord) == 4);

enum class LaneState : std::uint32_t {
  live = 1,     // its publisher runs, or died: ask the liveness of `owner_incarnation`
  left = 2,     // its publisher closed in good order
  retired = 3,  // drained and about to be unlinked: map the new file of this number instead
};

// A record boundary and the number of the message that begins there.
struct CheckpointSlot {
  Word position;
  Word sequence;
};

// A reader that the publisher gave up on.
struct EvictedSlot {
  Word incarnation;
  Word reader;  // id in the low half, number of the subscriber within its participant in the high
};

//   offset  size  field             writer     meaning
//        0   128  header            creator    SegmentHeader, kind lane
//      128    64  producer_name     creator    zero-terminated; empty: nobody continues this lane
//      192     8  owner_incarnation publisher  participant that publishes, or published last
//      200     4  owner_id          publisher  its id
//      204     4  lane              creator    N
//      208     8  epoch             creator    never repeated: tells it from others of number N
//      216     8  life              publisher  how many owners it has had, from 1
//      224     4  state             publisher  LaneState
//      228     4  fencing           publisher  1: it fences at every publish, for sleepers
//      232     8  data_offset       creator    where the ring begins in this file, 0: own file
//      240     4  asked_kind        creator    placement asked for
//      244     4  asked_node        publisher  node it came to; all ones: not known yet
//      248     4  honoured          publisher  1 yes, 0 no, 2 cannot tell
//      252     4  page_kind         creator    0 normal, 1 huge
//      256     8  limit             publisher  it may write below this without looking at readers
//      264     8  proposed          publisher  limit it is about to take; a reader that joins looks
//      272     8  first_sequence    creator    number of the message at position 0
//      280   104  reserved0         -          zero
//      384     8  version           publisher  number of the newest checkpoint, 0: none
//      392   120  reserved1         -          zero
//      512     8  blocked_reader    publisher  incarnation it sleeps on, 0: it does not sleep
//      520     8  blocked_position  publisher  the word of that reader that it wants to see move
//      528   112  reserved2         -          zero
//      640     8  refused           publisher  claims refused because the ring was full
//      648     8  aborted           publisher  claims given up
//      656     8  unheard           publisher  messages published with no reader
//      664     8  evictions         publisher  readers given up on
//      672     8  blocks            publisher  times it had to wait for a reader
//      680     8  blocked_ns        publisher  time spent waiting
//      688     8  wakes             publisher  futex wakes
//      696     8  probe_errors      publisher  death probes that failed, taken as alive
//      704     8  waits_for         publisher  incarnation of the reader in its way, 0: none
//      712     8  waits_for_id      publisher  its id low half, its number high half
//      720     8  waits_since       publisher  CLOCK_MONOTONIC ns
//      728     8  unjournaled       publisher  messages overwritten before they were durable
//      736     8  unjournaled_end   publisher  up to which message they are counted
//      744    24  reserved3         -          zero
//      768     8  evicted_count     publisher  entries ever written to `evicted`
//      776   248  reserved4         -          zero
//     1024  1024  evicted           publisher  ring of the last 64 evicted readers
//     2048   512  checkpoints       publisher  number k lies in slot k mod 32
//     2560   256  ordinals          publisher  of checkpoint k, where the channel has one order
//     2816  1280  reserved5         -          stamps of the profiler
struct LaneControl {
  SegmentHeader header;
  char producer_name[kNameBytes];
  Word owner_incarnation;
  HalfWord owner_id;
  std::uint32_t lane;
  std::uint64_t epoch;
  Word life;
  HalfWord state;
  HalfWord fencing;
  std::uint64_t data_offset;
  std::uint32_t asked_kind;
  std::uint32_t asked_node;
  std::uint32_t honoured;
  std::uint32_t page_kind;
  Word limit;
  Word proposed;
  std::uint64_t first_sequence;
  std::uint8_t reserved0[104];
  Word version;
  std::uint8_t reserved1[120];
  Word blocked_reader;
  Word blocked_position;
  std::uint8_t reserved2[112];
  Word refused;
  Word aborted;
  Word unheard;
  Word evictions;
  Word blocks;
  Word blocked_ns;
  Word wakes;
  Word probe_errors;
  Word waits_for;
  Word waits_for_id;
  Word waits_since;
  Word unjournaled;
  Word unjournaled_end;
  std::uint8_t reserved3[24];
  Word evicted_count;
  std::uint8_t reserved4[248];
  EvictedSlot evicted[kEvictedSlots];
  CheckpointSlot checkpoints[kCheckpointSlots];
  Word ordinals[kCheckpointSlots];
  std::uint8_t reserved5[1280];
};

static_assert(sizeof(LaneControl) == kPageBytes);
static_assert(offsetof(LaneControl, header) == 0);
static_assert(offsetof(LaneControl, producer_name) == 128);
static_assert(offsetof(LaneControl, owner_incarnation) == 192);
static_assert(offsetof(LaneControl, owner_id) == 200);
static_assert(offsetof(LaneControl, lane) == 204);
static_assert(offsetof(LaneControl, epoch) == 208);
static_assert(offsetof(LaneControl, life) == 216);
static_assert(offsetof(LaneControl, state) == 224);
static_assert(offsetof(LaneControl, fencing) == 228);
static_assert(offsetof(LaneControl, data_offset) == 232);
static_assert(offsetof(LaneControl, asked_kind) == 240);
static_assert(offsetof(LaneControl, asked_node) == 244);
static_assert(offsetof(LaneControl, honoured) == 248);
static_assert(offsetof(LaneControl, page_kind) == 252);
static_assert(offsetof(LaneControl, limit) == 256);
static_assert(offsetof(LaneControl, proposed) == 264);
static_assert(offsetof(LaneControl, first_sequence) == 272);
static_assert(offsetof(LaneControl, version) == 384);
static_assert(offsetof(LaneControl, blocked_reader) == 512);
static_assert(offsetof(LaneControl, blocked_position) == 520);
static_assert(offsetof(LaneControl, refused) == 640);
static_assert(offsetof(LaneControl, aborted) == 648);
static_assert(offsetof(LaneControl, unheard) == 656);
static_assert(offsetof(LaneControl, evictions) == 664);
static_assert(offsetof(LaneControl, blocks) == 672);
static_assert(offsetof(LaneControl, blocked_ns) == 680);
static_assert(offsetof(LaneControl, wakes) == 688);
static_assert(offsetof(LaneControl, probe_errors) == 696);
static_assert(offsetof(LaneControl, waits_for) == 704);
static_assert(offsetof(LaneControl, waits_for_id) == 712);
static_assert(offsetof(LaneControl, waits_since) == 720);
static_assert(offsetof(LaneControl, unjournaled) == 728);
static_assert(offsetof(LaneControl, unjournaled_end) == 736);
static_assert(offsetof(LaneControl, evicted_count) == 768);
static_assert(offsetof(LaneControl, evicted) == 1024);
static_assert(offsetof(LaneControl, checkpoints) == 2048);
static_assert(offsetof(LaneControl, ordinals) == 2560);

inline constexpr std::uint64_t kLaneFingerprint =
    fingerprint({3,
                 sizeof(LaneControl),
                 kEvictedSlots,
                 kCheckpointSlots,
                 kRecordAlign,
                 kHeaderBytes,
                 offsetof(LaneControl, header),
                 offsetof(LaneControl, producer_name),
                 offsetof(LaneControl, owner_incarnation),
                 offsetof(LaneControl, owner_id),
                 offsetof(LaneControl, lane),
                 offsetof(LaneControl, epoch),
                 offsetof(LaneControl, life),
                 offsetof(LaneControl, state),
                 offsetof(LaneControl, fencing),
                 offsetof(LaneControl, data_offset),
                 offsetof(LaneControl, asked_kind),
                 offsetof(LaneControl, asked_node),
                 offsetof(LaneControl, honoured),
                 offsetof(LaneControl, page_kind),
                 offsetof(LaneControl, limit),
                 offsetof(LaneControl, proposed),
                 offsetof(LaneControl, first_sequence),
                 offsetof(LaneControl, version),
                 offsetof(LaneControl, blocked_reader),
                 offsetof(LaneControl, blocked_position),
                 offsetof(LaneControl, refused),
                 offsetof(LaneControl, aborted),
                 offsetof(LaneControl, unheard),
                 offsetof(LaneControl, evictions),
                 offsetof(LaneControl, blocks),
                 offsetof(LaneControl, blocked_ns),
                 offsetof(LaneControl, wakes),
                 offsetof(LaneControl, probe_errors),
                 offsetof(LaneControl, waits_for),
                 offsetof(LaneControl, waits_for_id),
                 offsetof(LaneControl, waits_since),
                 offsetof(LaneControl, unjournaled),
                 offsetof(LaneControl, unjournaled_end),
                 offsetof(LaneControl, evicted_count),
                 offsetof(LaneControl, evicted),
                 offsetof(LaneControl, checkpoints),
                 offsetof(LaneControl, ordinals)});

}  // namespace millrace::layout
