// Everything that can be told of a journal from outside, without taking its lock and without
// changing anything: for operators and for tools.
//
// Thread rules: any thread; reads a block of every slot and up to two segments, never for a message
// path.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/device_facts.hpp"
#include "millrace/persist/journal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

struct JournalHolder {
  std::uint32_t pid = 0;  // 0: somebody who has not said so yet
  std::string name;       // of its program
  bool alive = false;     // false: a dead process whose last writes are still on their way
};

struct SurveyedSegment {
  std::uint64_t segment = 0;
  std::uint32_t slot = 0;
  ItemNumber first_item = 0;
  ItemNumber last_item = 0;
  std::uint64_t bytes = 0;    // used of the slot
  std::uint64_t wall_ns = 0;  // of its newest item, since 1970
};

// How far a remembered subscriber has acknowledged, as far as the log knows.
struct RememberedPlace {
  std::string subscriber;
  JournalLaneId lane = 0;
  Sequence before = 0;  // messages before it are acknowledged
};

struct JournalSurvey {
  Uuid log{};
  std::uint64_t created_ns = 0;  // wall clock, since 1970
  std::uint64_t generation = 0;  // of the manifest
  std::uint64_t epoch = 0;       // how many writers there have been
  std::uint32_t boots = 0;
  std::uint32_t depth = 0;
  std::uint32_t tombstones = 0;  // damages that were given up by repair
  std::uint64_t segment_bytes = 0;
  std::uint32_t item_bytes = 0;
  std::uint32_t block_bytes = 0;  // of the device when it was made
  Durability durability = Durability::dsync;
  bool clean = false;                // closed in good order
  ItemNumber end = 0;                // last item that is proven durable
  std::uint64_t unproven_bytes = 0;  // behind it: the newest writes, or a torn end

  std::vector<SurveyedSegment> segments;
  std::uint64_t spares = 0;
  std::uint64_t unprepared = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t free_bytes = 0;  // of the file system

  std::vector<JournalLane> lanes;
  std::vector<RememberedPlace> remembered;

  DiskFacts disk;  // engine: empty, only a writer has one
  std::optional<DeviceFacts> device;
  std::optional<JournalHolder> holder;  // nothing: nobody has it open for writing
};

// Errors: not_found (no journal), format (another version), damaged (the sentence says where),
// no_permission.
[[nodiscard]] Result<JournalSurvey> survey_journal(const std::string& directory);

// What a journal made here would be kept by. Makes nothing; a directory that is not there yet is
// judged by the nearest one above it. Errors: unsupported (a file system in memory, or one whose
// flush cannot be believed), no_permission.
[[nodiscard]] Result<DiskFacts> judge_directory(const std::string& directory);

// How long a small durable write takes there, by each of the two ways, in nanoseconds.
struct WriteTimes {
  Durability better = Durability::dsync;
  std::uint64_t dsync_p50 = 0;
  std::uint64_t dsync_p99 = 0;
  std::uint64_t flush_p50 = 0;
  std::uint64_t flush_p99 = 0;
};

// Writes to a file without a name for at most a second. Errors: unsupported (no O_DIRECT),
// no_permission, no_space.
[[nodiscard]] Result<WriteTimes> measure_directory(const std::string& directory);

// Who holds the journal's lock; nothing if nobody does, or if there is no journal.
[[nodiscard]] std::optional<JournalHolder> holder_of_journal(const std::string& directory);

}  // namespace millrace
