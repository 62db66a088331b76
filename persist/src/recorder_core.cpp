#include "recorder_core.hpp"

#include "millrace/core/crash_point.hpp"

#include <algorithm>

namespace millrace {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Of a wait for arrivals: as long as any park may last.
constexpr nanoseconds kSleepBound = milliseconds(10);
// The same beside channels that are not durable, whose publishers do not wake the recorder, and
// where there are more words than the kernel watches.
constexpr nanoseconds kNap = milliseconds(1);
// Of a wait for completions, so that a beat is seen however slow the device is.
constexpr nanoseconds kAwaitBound = milliseconds(100);

constexpr nanoseconds kAcknowledgementsEvery = milliseconds(10);
constexpr nanoseconds kStatsEvery = milliseconds(20);

// No source gets a smaller share of an item, however many there are.
constexpr std::size_t kShareBytesMin = std::size_t{16} << 10;

// A full disk that does not get room within this time ends a drain: what is not yet written stays
// in the rings for the next recorder.
constexpr std::chrono::seconds kDrainFull{2};

// Twice may happen: a record came and was taken between the two looks.
constexpr int kRestlessMax = 2;

}  // namespace

Result<void> RecorderCore::join_lanes() {
  for (const auto& channel : durable_) {
    if (auto joined = channel->join_lanes(journal_, sources_); !joined) return joined;
  }
  return {};
}

Result<void> RecorderCore::round(nanoseconds most) {
  if (end_) return Failure(*end_);
  if (auto joined = join_lanes(); !joined) return failed(joined.error());
  if (auto pushed = push(); !pushed) return pushed;
  for (const auto& channel : durable_)
    channel->beat(counts_.journal.written_bytes);
  const bool on_its_way = journal_.in_flight() != 0 || journal_.building() != 0;
  auto waited = on_its_way ? await(std::min(most, kAwaitBound)) : rest(most);
  show_stats(false);
  return waited;
}

// Every source in turn, until the item is full or nobody has anything more. Whoever found it full
// is the first one in the next.
void RecorderCore::fill() {
  item_full_ = false;
  const std::size_t share = std::max(item_bytes_ / std::max<std::size_t>(busy_, 1), kShareBytesMin);
  std::size_t quiet = 0;
  std::size_t gave = 0;
  while (quiet < sources_.size()) {
    if (turn_ >= sources_.size()) turn_ = 0;
    RecorderSource& source = *sources_[turn_];
    const Take take = source.take(journal_, share);
    if (take.what == Taken::item_full) {
      item_full_ = true;
      break;
    }
    ++turn_;
    if (take.what == Taken::nothing || take.what == Taken::later) {
      ++quiet;
      continue;
    }
    quiet = 0;
    gave += source.own_point == RecorderSource::kNoPoint ? 1 : 0;
    points_.add(source, take);
  }
  if (gave != 0) busy_ = gave;
}

bool RecorderCore::due() const noexcept {
  return journal_.building() != 0 && journal_.may_submit() &&
         (item_full_ || journal_.in_flight() == 0);
}

Result<void> RecorderCore::push() {
  for (;;) {
    // Small messages leave no room behind them: a fresh item takes acknowledgements first.
    if (journal_.building() == 0) take_acknowledgements();
    fill();
    take_acknowledgements();
    if (!due()) return {};
    const bool more = item_full_;
    auto gone = submit();
    if (!gone) return Failure(gone.error());
    if (!*gone || !more) return {};
  }
}

// False: the log cannot take it now, and the item stays.
Result<bool> RecorderCore::submit() {
  MILLRACE_CRASH_POINT("recorder.item-built");
  const auto item = journal_.submit();
  if (!item) {
    const Errc why = item.error().code();
    if (why == Errc::full || why == Errc::no_space || why == Errc::busy) return false;
    return Failure(failed(item.error()).error());
  }
  points_.submitted(*item);
  for (const auto& channel : durable_)
    channel->submitted(*item);
  MILLRACE_CRASH_POINT("recorder.submitted");
  return true;
}

void RecorderCore::take_acknowledgements() {
  const Clock::time_point now = Clock::now();
  const bool look = now >= acknowledgements_due_;
  if (look) acknowledgements_due_ = now + kAcknowledgementsEvery;
  for (const auto& channel : durable_) {
    if (look) channel->collect_acknowledgements();
    counts_.acknowledgements += channel->take_acknowledgements(journal_);
  }
}

Result<void> RecorderCore::await(nanoseconds most) {
  if (auto polled = journal_.poll(most); !polled) return failed(polled.error());
  report();
  return {};
}

void RecorderCore::report() {
  for (const auto& channel : durable_)
    channel->reached(journal_.written(), journal_.durable());
  const RecorderPoints::Totals moved = points_.report(journal_.durable());
  counts_.messages += moved.messages;
  counts_.bytes += moved.bytes;
  MILLRACE_CRASH_POINT("recorder.reported");
}

Result<void> RecorderCore::rest(nanoseconds most) {
  // The log has work of its own when it is idle: a watermark, spares, retention by age.
  const nanoseconds wanted = std::min(most, journal_.until_wanted());
  if (durable_.empty() && plain_.size() == 1) {
    ++counts_.wakes;
    plain_.front()->wait(std::min(wanted, kSleepBound));
    return await(nanoseconds::zero());
  }
  nanoseconds bound = std::min(wanted, nanoseconds(plain_.empty() ? kSleepBound : kNap));
  waits_.clear();
  for (const auto& channel : durable_) {
    if (channel->prepare_to_sleep(waits_)) continue;
    // Something has come. A lane that says so again and again and gives nothing must not keep this
    // process running.
    if (++restless_ <= kRestlessMax) return await(nanoseconds::zero());
    bound = std::min(bound, kNap);
    break;
  }
  if (waits_.size() > kFutexWaitsMax) bound = std::min(bound, kNap);
  ++counts_.wakes;
  MILLRACE_CRASH_POINT("recorder.asleep");
  futex_wait_many(waits_, static_cast<std::uint64_t>(bound.count()));
  restless_ = 0;
  return await(nanoseconds::zero());
}

bool RecorderCore::drained() const noexcept {
  return std::ranges::all_of(sources_, [](const auto* source) { return source->drained(); });
}

Result<void> RecorderCore::drain() {
  if (end_) return Failure(*end_);
  if (auto joined = join_lanes(); !joined) return failed(joined.error());
  for (RecorderSource* const source : sources_)
    source->begin_drain();
  acknowledgements_due_ = {};
  Clock::time_point room_by = Clock::now() + kDrainFull;
  for (;;) {
    // Publishers may go on meanwhile. Once everybody has given what was there when this began,
    // nothing more is taken, or this would have no end.
    if (!drained()) {
      if (auto pushed = push(); !pushed) return pushed;
    } else if (journal_.building() != 0 && journal_.may_submit()) {
      if (auto gone = submit(); !gone) return Failure(gone.error());
    }
    if (drained() && journal_.building() == 0 && points_.empty()) break;
    if (auto waited = await(kSleepBound); !waited) return waited;
    show_stats(false);
    if (said_ != LogState::full) room_by = Clock::now() + kDrainFull;
    if (Clock::now() < room_by) continue;
    return fail(Errc::full,
                "the journal's disk is full: what was published last is not written, and waits in "
                "its rings for the next recorder; make room");
  }
  show_stats(true);
  return {};
}

Result<void> RecorderCore::run(const std::atomic<bool>& stop) {
  // [sync:recorder-stop] Acquire, as run() says: what was published before the flag is taken.
  while (!stop.load(std::memory_order_acquire)) {
    if (auto done = round(kSleepBound); !done) return done;
  }
  return drain();
}

Result<void> RecorderCore::close() {
  if (auto done = drain(); !done) return done;
  MILLRACE_CRASH_POINT("recorder.drained");
  auto closed = journal_.close();
  show_stats(true);
  end_.emplace(Errc::closed, 0, "this recorder was closed; open another one");
  leave();
  return closed;
}

// Nobody is held up by an object that only waits to be destroyed: publishers see that the journal
// is down, and a successor may attach.
void RecorderCore::leave() noexcept {
  points_ = {};
  sources_.clear();
  durable_.clear();
  plain_.clear();
}

void RecorderCore::say(LogState state, int error) {
  if (state == said_) [[likely]]
    return;
  said_ = state;
  const auto told = state == LogState::ok     ? layout::JournalState::ok
                    : state == LogState::full ? layout::JournalState::full
                                              : layout::JournalState::poisoned;
  for (const auto& channel : durable_)
    channel->say(told, error);
}

Result<void> RecorderCore::failed(const Error& why) {
  if (why.code() == Errc::journal_poisoned) say(LogState::poisoned, journal_.stats().error);
  end_ = why;
  show_stats(true);
  leave();
  return Failure(*end_);
}

void RecorderCore::show_stats(bool at_once) {
  const Clock::time_point now = Clock::now();
  if (!at_once && now < stats_due_) return;
  stats_due_ = now + kStatsEvery;
  counts_.journal = journal_.stats();
  say(counts_.journal.state, counts_.journal.error);
  counts_.gaps = notes_.gaps;
  counts_.lanes = 0;
  for (const RecorderSource* const source : sources_)
    counts_.lanes += source->lanes();
  const std::scoped_lock lock(shown_mutex_);
  shown_ = counts_;
  shown_.refused = notes_.refused;
}

RecorderStats RecorderCore::stats() const {
  const std::scoped_lock lock(shown_mutex_);
  return shown_;
}

}  // namespace millrace
