// participants/ID.INCARNATION: one life of one process in a domain. The write lock that its maker
// holds on this file from before it has a name until it dies is the only proof of life there is.
#pragma once

#include "millrace/core/fingerprint.hpp"
#include "millrace/core/segment_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::layout {

// What must be repaired after this participant's death before its id may be given away again. A bit
// is set before the first act of its kind. Completion is read off the world (no lane names the dead
// incarnation, no reader file carries it), so any number of repairers may work at once.
enum class Repair : std::uint64_t {
  lane = 1,
  reader = 2,
  channel = 4,  // a channel directory under its private name
  claim = 8,    // 8 and above are reserved for the ordered log and queues
  group = 16,
  park = 32,
  transaction = 64,
};

inline constexpr std::uint64_t kRepairsKnown = 7;

inline constexpr std::uint32_t kMembarrierRegistered = 1;  // bit of `flags`

//   offset  size  field        writer       meaning
//        0   128  header       participant  SegmentHeader, kind participant
//      128     4  pid          participant  process id in its own pid namespace
//      132     4  flags        participant  kMembarrierRegistered
//      136     8  start_ticks  participant  process start, clock ticks since boot
//      144     8  incarnation  participant  never repeated
//      152     4  id           participant  0..1023
//      156     4  uid          participant  owner
//      160     8  pid_ns       participant  inode of its pid namespace
//      168     8  left         participant  1 once it has left in good order
//      176     8  repairs      participant  Repair bits
//      184     8  probe_errors participant  death probes that failed and were taken as "alive"
//      192    64  name         participant  zero-terminated, for people
//      256  3840  reserved     -            zero
//     4096  4096  scratch      participant  intents of queues (reserved)
struct ParticipantFile {
  SegmentHeader header;
  std::uint32_t pid;
  std::uint32_t flags;
  std::uint64_t start_ticks;
  std::uint64_t incarnation;
  std::uint32_t id;
  std::uint32_t uid;
  std::uint64_t pid_ns;
  std::uint64_t left;
  std::uint64_t repairs;
  std::uint64_t probe_errors;
  char name[kNameBytes];
  std::uint8_t reserved[3840];
  std::uint8_t scratch[kPageBytes];
};

static_assert(sizeof(ParticipantFile) == 2 * kPageBytes);
static_assert(offsetof(ParticipantFile, header) == 0);
static_assert(offsetof(ParticipantFile, pid) == 128);
static_assert(offsetof(ParticipantFile, flags) == 132);
static_assert(offsetof(ParticipantFile, start_ticks) == 136);
static_assert(offsetof(ParticipantFile, incarnation) == 144);
static_assert(offsetof(ParticipantFile, id) == 152);
static_assert(offsetof(ParticipantFile, uid) == 156);
static_assert(offsetof(ParticipantFile, pid_ns) == 160);
static_assert(offsetof(ParticipantFile, left) == 168);
static_assert(offsetof(ParticipantFile, repairs) == 176);
static_assert(offsetof(ParticipantFile, probe_errors) == 184);
static_assert(offsetof(ParticipantFile, name) == 192);
static_assert(offsetof(ParticipantFile, scratch) == 4096);

inline constexpr std::uint64_t kParticipantFingerprint =
    fingerprint({1, sizeof(ParticipantFile), offsetof(ParticipantFile, header),
                 offsetof(ParticipantFile, pid), offsetof(ParticipantFile, flags),
                 offsetof(ParticipantFile, start_ticks), offsetof(ParticipantFile, incarnation),
                 offsetof(ParticipantFile, id), offsetof(ParticipantFile, uid),
                 offsetof(ParticipantFile, pid_ns), offsetof(ParticipantFile, left),
                 offsetof(ParticipantFile, repairs), offsetof(ParticipantFile, probe_errors),
                 offsetof(ParticipantFile, name), offsetof(ParticipantFile, scratch)});

}  // namespace millrace::layout
