#include "lane_history.hpp"

#include "catalog.hpp"

#include <cinttypes>

namespace millrace {

namespace {

// Retention may overtake a reader while it looks; each look begins further on.
constexpr int kLooksMax = 8;

}  // namespace

Result<std::unique_ptr<History>> LogHistory::open(const std::string& directory,
                                                  const Uuid& channel) {
  auto reader = JournalReader::open(directory);
  if (!reader) return Failure(reader.error());
  return std::unique_ptr<History>(new LogHistory(std::move(*reader), channel));
}

Result<std::unique_ptr<LaneHistory>> LogHistory::lane(std::string_view producer) {
  auto reader = reader_.another();
  if (!reader) return Failure(reader.error());
  return std::make_unique<LogLaneHistory>(std::move(*reader), channel_, std::string(producer));
}

Result<std::optional<Sequence>> LogHistory::remembered(std::string_view subscriber,
                                                       std::string_view producer) {
  if (auto looked = reader_.refresh(); !looked) return Failure(looked.error());
  const JournalLane* const lane = find_lane(reader_.lanes(), channel_, producer);
  if (lane == nullptr) return std::optional<Sequence>();
  return reader_.acknowledged(subscriber, lane->id);
}

const JournalLane* LogLaneHistory::known() const noexcept {
  return find_lane(reader_.lanes(), channel_, producer_);
}

Result<const JournalLane*> LogLaneHistory::look_again() {
  if (auto looked = reader_.refresh(); !looked) return Failure(looked.error());
  return known();
}

Result<Sequence> LogLaneHistory::oldest() {
  const auto lane = look_again();
  if (!lane) return Failure(lane.error());
  return *lane == nullptr ? Sequence{0} : (*lane)->first;
}

Result<Sequence> LogLaneHistory::first_since(std::uint64_t wall_ns) {
  const auto lane = look_again();
  if (!lane) return Failure(lane.error());
  if (*lane == nullptr) return Sequence{0};
  const Sequence end = (*lane)->end;
  held_.reset();
  placed_ = false;
  if (auto there = reader_.seek_time(wall_ns); !there) return Failure(there.error());
  for (;;) {
    const auto found = find(0);
    if (!found) return Failure(found.error());
    if (!*found) return end;
    // The item that the moment falls into may begin before it.
    if (held_->wall_ns >= wall_ns) break;
    held_.reset();
  }
  expected_ = held_->sequence;
  placed_ = true;
  return expected_;
}

Result<bool> LogLaneHistory::seek(JournalLaneId id, Sequence sequence, Sequence below) {
  held_.reset();
  placed_ = false;
  if (auto there = reader_.seek(id, sequence, below); !there) return Failure(there.error());
  expected_ = sequence;
  placed_ = true;
  return true;
}

Result<bool> LogLaneHistory::find(Sequence sequence) {
  if (held_ && held_->sequence >= sequence) return true;
  held_.reset();
  const JournalLane* const lane = known();
  if (lane == nullptr) return false;
  const JournalLaneId id = lane->id;
  for (;;) {
    auto message = reader_.next();
    // What a repair gave up may be another lane's loss alone: the message behind it tells of ours.
    if (!message && reader_.goes_on()) continue;
    if (!message) return Failure(message.error());
    if (!*message) return false;
    if ((*message)->lane != id || (*message)->sequence < sequence) continue;
    held_ = **message;
    return true;
  }
}

Failure LogLaneHistory::trimmed(Sequence sequence, Sequence first) const noexcept {
  const Failure failure = fail(Errc::trimmed,
                               "messages %" PRIu64 " to %" PRIu64
                               " of \"%s\" are no longer in the journal: its "
                               "retention has taken them",
                               sequence, first - 1, producer_.c_str());
  return Failure(failure.error().with_lost(first - sequence));
}

Result<std::optional<PastMessage>> LogLaneHistory::give(Sequence sequence, Sequence below) {
  const JournaledMessage& message = *held_;
  if (in_gap(sequence)) return missing(sequence, message.gap_to, "were never journaled");
  if (is_lost(sequence)) {
    return missing(sequence, message.lost_to, "were damaged in the journal and given up by repair");
  }
  if (message.sequence >= below) return std::optional<PastMessage>();
  expected_ = message.sequence + 1;
  return PastMessage{message.sequence, message.key, message.bytes, message.wall_ns};
}

bool LogLaneHistory::in_gap(Sequence sequence) const noexcept {
  return sequence >= held_->gap_from && sequence < held_->gap_to;
}

bool LogLaneHistory::is_lost(Sequence sequence) const noexcept {
  return sequence >= held_->lost_from && sequence < held_->lost_to;
}

Failure LogLaneHistory::missing(Sequence sequence, Sequence to, const char* why) noexcept {
  expected_ = to;
  const Failure failure = fail(Errc::gap, "messages %" PRIu64 " to %" PRIu64 " of \"%s\" %s",
                               sequence, to - 1, producer_.c_str(), why);
  return Failure(failure.error().with_lost(to - sequence));
}

Result<std::optional<PastMessage>> LogLaneHistory::read(Sequence sequence, Sequence below) {
  if (sequence >= below) return std::optional<PastMessage>();
  if (placed_ && sequence == expected_) {
    const auto found = find(sequence);
    if (found && *found) return give(sequence, below);
    if (!found && found.error().code() != Errc::trimmed) return Failure(found.error());
  }
  return search(sequence, below);
}

// Elsewhere than the last one, or behind what was proven durable when we looked.
Result<std::optional<PastMessage>> LogLaneHistory::search(Sequence sequence, Sequence below) {
  // A later message than asked for: was the claim given up, or did retention take it between our
  // look and our search? The second look decides.
  bool seen_later = false;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const auto lane = look_again();
    if (!lane) return Failure(lane.error());
    if (*lane == nullptr) return std::optional<PastMessage>();
    if (sequence < (*lane)->first) return trimmed(sequence, (*lane)->first);
    auto found = seek((*lane)->id, sequence, below);
    if (found) found = find(sequence);
    if (!found && found.error().code() != Errc::trimmed) return Failure(found.error());
    if (!found) continue;
    if (!*found) return std::optional<PastMessage>();
    if (held_->sequence == sequence || in_gap(sequence) || seen_later) return give(sequence, below);
    seen_later = true;
  }
  return fail(Errc::timeout,
              "retention of the journal keeps overtaking the reader of \"%s\" at message %" PRIu64,
              producer_.c_str(), sequence);
}

}  // namespace millrace
