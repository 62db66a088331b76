#include "millrace/core/crash_point.hpp"
#include "recorder_durable.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

// A part smaller than this is not worth a table entry and a seam in the record.
constexpr std::size_t kPartBytesMin = 4096;

}  // namespace

Take DurableLane::take(Journal& journal, std::size_t most) {
  if (gone_) return {};
  Take taken;
  if (!waiting_.bytes.empty()) {
    taken = take_waiting(journal);
  } else if (long_.bytes != 0) {
    taken = take_long(journal);
  } else {
    taken = take_run(journal, most);
  }
  if (taken.what == Taken::nothing) drained_ = true;
  if (drain_to_ != 0 && feed_.copied(lane_).position >= drain_to_) drained_ = true;
  return taken;
}

Take DurableLane::take_run(Journal& journal, std::size_t most) {
  std::span<std::byte> room = journal.room(most);
  if (room.empty()) return {.what = Taken::item_full};
  auto run = feed_.copy(lane_, room);
  if (run && run->count == 0 && run->record_bytes > room.size()) {
    if (run->lost != 0 && !say_gap(journal, *run)) return {.what = Taken::item_full};
    // Longer than this turn's share: does the item hold it, or the next one, or none at all?
    room = journal.room(run->record_bytes);
    if (room.size() >= run->record_bytes) {
      run = feed_.copy(lane_, room);
    } else if (journal.building() != 0 || room.empty()) {
      return {.what = Taken::item_full};
    } else {
      long_ = {.sequence = feed_.copied(lane_).sequence, .bytes = run->record_bytes, .done = 0};
      return take_long(journal);
    }
  }
  if (!run) return broken(run.error());
  if (run->count == 0) return {.what = run->again ? Taken::later : Taken::nothing};
  MILLRACE_CRASH_POINT("recorder.copied");
  if (run->lost != 0) {
    const auto bytes = room.first(run->bytes);
    waiting_ = {.bytes = {bytes.begin(), bytes.end()}, .run = *run, .gap_said = false};
    return take_waiting(journal);
  }
  journal.add_run(id_, run->first, run->count, run->bytes);
  feed_.stamp_appended(lane_, run->first, run->count);
  cause_ = GapCause::overtaken;
  return {.what = Taken::some, .messages = run->count, .bytes = run->bytes};
}

Take DurableLane::take_long(Journal& journal) {
  const std::uint64_t left = long_.bytes - long_.done;
  const std::span<std::byte> room = journal.room(left);
  // Records are multiples of 8 bytes, and so are their parts.
  const std::size_t wanted = std::min<std::size_t>(room.size() & ~std::size_t{7}, left);
  if (wanted < std::min<std::uint64_t>(left, kPartBytesMin)) return {.what = Taken::item_full};
  const auto copied = feed_.copy_part(lane_, long_.done, long_.bytes, room.first(wanted));
  if (!copied && copied.error().code() == Errc::overrun) {
    // Its publisher proceeds without us. The parts that are in the log have no end and count for
    // nothing; the whole message belongs to the gap.
    long_ = {};
    return {.what = Taken::later};
  }
  if (!copied) return broken(copied.error());
  journal.add_part(id_, long_.sequence, long_.done, long_.bytes, *copied);
  MILLRACE_CRASH_POINT("recorder.part-added");
  long_.done += *copied;
  const bool last = long_.done >= long_.bytes;
  if (last) feed_.stamp_appended(lane_, long_.sequence, 1);
  if (last) long_ = {};
  return {.what = Taken::some, .messages = last ? 1U : 0U, .bytes = *copied};
}

Take DurableLane::take_waiting(Journal& journal) {
  const FeedRun& run = waiting_.run;
  if (!waiting_.gap_said && !say_gap(journal, run)) return {.what = Taken::item_full};
  waiting_.gap_said = true;
  const std::span<std::byte> room = journal.room(waiting_.bytes.size());
  if (room.size() < waiting_.bytes.size()) return {.what = Taken::item_full};
  std::memcpy(room.data(), waiting_.bytes.data(), waiting_.bytes.size());
  journal.add_run(id_, run.first, run.count, run.bytes);
  feed_.stamp_appended(lane_, run.first, run.count);
  const Take taken{.what = Taken::some, .messages = run.count, .bytes = run.bytes};
  waiting_ = {};
  cause_ = GapCause::overtaken;
  return taken;
}

// What is missing before `run` is written down, and no longer counts as found.
bool DurableLane::say_gap(Journal& journal, const FeedRun& run) {
  const auto cause = static_cast<std::uint32_t>(cause_);
  if (!journal.add_gap(id_, run.first - run.lost, run.first, cause)) return false;
  MILLRACE_CRASH_POINT("recorder.gap-said");
  feed_.count_gap(lane_, run.lost);
  notes_.gaps += run.lost;
  return true;
}

Take DurableLane::broken(const Error& why) {
  give_way();
  if (why.code() == Errc::not_found) return {};  // it was removed, and held nothing
  feed_.refuse(lane_);
  notes_.add(why.sentence());
  return {};
}

void DurableLane::begin_drain() noexcept {
  drained_ = false;
  // Whatever is published now lies within one ring from here; what comes later need not be waited
  // for.
  drain_to_ = feed_.copied(lane_).position + ring_bytes_;
}

}  // namespace millrace
