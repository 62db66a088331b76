#include "recorder_plain.hpp"

#include "catalog.hpp"
#include "millrace/core/record_layout.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <thread>

namespace millrace {

namespace {

// Numbers that are missing without a word of loss are claims given up. More of them at once than
// this, and the loss was told in another lane's turn.
constexpr std::uint64_t kGivenUpMost = 1024;

// Messages that are only passed over cost no room, so a turn has an end of its own.
constexpr int kTurn = 4096;

void put_header(std::span<std::byte> at, RecordType type, Sequence sequence, std::size_t length,
                std::uint16_t key) noexcept {
  const std::uint64_t word = layout::RecordHeader{.length = static_cast<std::uint32_t>(length),
                                                  .type = type,
                                                  .sequence = static_cast<std::uint8_t>(sequence),
                                                  .flags = 0,
                                                  .key = key}
                                 .word();
  std::memcpy(at.data(), &word, sizeof(word));
}

// As it would lie in a ring.
void put_record(std::span<std::byte> at, const Message& message) noexcept {
  const auto bytes = message.bytes();
  put_header(at, RecordType::message, message.sequence(), bytes.size(), message.key());
  std::memcpy(at.data() + kHeaderBytes, bytes.data(), bytes.size());
  const std::size_t padded = layout::record_bytes(bytes.size());
  std::fill(at.begin() + static_cast<std::ptrdiff_t>(kHeaderBytes + bytes.size()),
            at.begin() + static_cast<std::ptrdiff_t>(padded), std::byte{});
}

}  // namespace

Result<std::unique_ptr<PlainChannel>> PlainChannel::open(const Domain& domain,
                                                         const std::string& channel,
                                                         const Journal& journal,
                                                         RecorderNotes& notes) {
  auto found = domain.find(channel);
  if (!found) return Failure(found.error());
  if (found->options().order == Order::total) {
    return fail(Errc::bad_argument,
                "channel \"%s\" has one order over all its lanes, and a journal keeps lanes only; "
                "record a channel with an order by lane",
                channel.c_str());
  }
  const auto& lanes = journal.lanes();
  const auto known = std::ranges::find(lanes, channel, &JournalLane::channel_name);
  SubscriberOptions options;
  options.lossy = true;
  options.from = known == lanes.end() ? From::now() : From::oldest();
  auto subscriber = found->subscriber(options);
  if (!subscriber) return Failure(subscriber.error());
  const Uuid in_log = known == lanes.end() ? random_uuid() : known->channel;
  return std::unique_ptr<PlainChannel>(
      new PlainChannel(std::move(*found), std::move(*subscriber), in_log, notes));
}

void PlainChannel::wait(std::chrono::nanoseconds most) noexcept {
  const auto there = subscriber_.wait(most);
  // Whatever is wrong comes up in the next turn; but nothing here may keep this process running.
  if (!there && there.error().code() != Errc::timeout) std::this_thread::sleep_for(most);
}

bool PlainChannel::next_message() {
  // Errors are told one by one; a handful in a row is no reason to stay in this channel's turn.
  for (int errors = 0; !message_ && errors < 8; ++errors) {
    auto polled = subscriber_.try_poll();
    if (polled) {
      message_ = std::move(*polled);
      return message_.has_value();
    }
    const Error& why = polled.error();
    if (why.code() == Errc::overrun || why.code() == Errc::evicted) {
      overrun_ += why.lost();
    } else {
      notes_.add(why.sentence());
    }
  }
  return message_.has_value();
}

// Whatever is published now lies within a ring for each lane.
void PlainChannel::begin_drain() noexcept {
  drained_ = false;
  drain_left_ = channel_.options().ring_bytes * std::max<std::size_t>(lanes_.size(), 1);
}

Take PlainChannel::take(Journal& journal, std::size_t most) {
  const Take taken = take_some(journal, most);
  drain_left_ -= std::min(drain_left_, taken.bytes);
  if (taken.what == Taken::nothing || drain_left_ == 0) drained_ = true;
  return taken;
}

Take PlainChannel::take_some(Journal& journal, std::size_t most) {
  if (!long_.record.empty()) return take_long(journal);
  Take sum;
  for (int looks = 0; sum.bytes < most && looks < kTurn; ++looks) {
    if (!next_message()) break;
    if (!add(journal, sum)) {
      if (!long_.record.empty()) return sum.messages != 0 ? sum : take_long(journal);
      if (sum.messages == 0) return {.what = Taken::item_full};
      break;
    }
  }
  if (sum.messages != 0) sum.what = Taken::some;
  return sum;
}

bool PlainChannel::add(Journal& journal, Take& sum) {
  Lane* const lane = lane_of(journal, *message_);
  if (lane == nullptr || lane->dead || message_->sequence() < lane->next) {
    // The ring still holds what the log ends with: nothing was overwritten between them.
    if (lane != nullptr) lane->joined = false;
    message_.reset();
    return true;
  }
  if (!add_missing(journal, *lane)) return false;
  const std::size_t bytes = layout::record_bytes(message_->bytes().size());
  const std::span<std::byte> room = journal.room(bytes);
  if (room.size() < bytes) {
    // Longer than any item?
    if (!room.empty() && journal.building() == 0) begin_long(*lane);
    return false;
  }
  put_record(room, *message_);
  journal.add_run(lane->id, message_->sequence(), 1, bytes);
  lane->next = message_->sequence() + 1;
  lane->joined = false;
  message_.reset();
  ++sum.messages;
  sum.bytes += bytes;
  return true;
}

// The numbers between the log's end and this message: lost, if the subscriber was overrun, else
// claims that were given up, which keep their place in the log as in the ring. What is missing when
// a lane is joined was published while nobody recorded it: no subscriber was there to be overrun.
bool PlainChannel::add_missing(Journal& journal, Lane& lane) {
  const std::uint64_t missing = message_->sequence() - lane.next;
  if (missing == 0) return true;
  if (!lane.joined && overrun_ == 0 && missing <= kGivenUpMost) {
    for (; lane.next != message_->sequence(); ++lane.next) {
      const std::span<std::byte> room = journal.room(kHeaderBytes);
      if (room.size() < kHeaderBytes) return false;
      put_header(room, RecordType::aborted, lane.next, 0, 0);
      journal.add_run(lane.id, lane.next, 1, kHeaderBytes);
    }
    return true;
  }
  if (!journal.add_gap(lane.id, lane.next, message_->sequence(),
                       static_cast<std::uint32_t>(GapCause::overtaken))) {
    return false;
  }
  notes_.gaps += missing;
  overrun_ -= std::min(overrun_, missing);
  lane.next = message_->sequence();
  return true;
}

bool PlainChannel::begin_long(const Lane& lane) {
  long_.record.resize(layout::record_bytes(message_->bytes().size()));
  put_record(long_.record, *message_);
  long_.done = 0;
  long_.lane = lane.id;
  long_.sequence = message_->sequence();
  return true;
}

Take PlainChannel::take_long(Journal& journal) {
  const std::span<const std::byte> left = std::span(long_.record).subspan(long_.done);
  const std::span<std::byte> room = journal.room(left.size());
  const std::size_t bytes = std::min(room.size() & ~std::size_t{7}, left.size());
  if (bytes == 0) return {.what = Taken::item_full};
  std::memcpy(room.data(), left.data(), bytes);
  journal.add_part(long_.lane, long_.sequence, long_.done, long_.record.size(), bytes);
  long_.done += bytes;
  Take taken{.what = Taken::some, .messages = 0, .bytes = bytes};
  if (long_.done == long_.record.size()) {
    long_.record.clear();
    Lane& lane = lanes_[message_->lane()];
    lane.next = long_.sequence + 1;
    lane.joined = false;
    message_.reset();
    taken.messages = 1;
  }
  return taken;
}

PlainChannel::Lane* PlainChannel::lane_of(Journal& journal, const Message& message) {
  const auto known = lanes_.find(message.lane());
  // A number that goes back belongs to another file: the lane was retired and made anew.
  if (known != lanes_.end() && message.sequence() >= known->second.next) return &known->second;
  return join(journal, message);
}

PlainChannel::Lane* PlainChannel::join(Journal& journal, const Message& message) {
  const auto stats = channel_.stats();
  if (!stats) return nullptr;
  const auto seen = std::ranges::find(stats->lanes, message.lane(), &LaneStats::lane);
  if (seen == stats->lanes.end()) return nullptr;
  Lane& lane = lanes_[message.lane()];
  if (lane.epoch == seen->epoch) return &lane;
  const std::string producer = name_in_log(journal, *seen);
  const JournalLane* const known = find_lane(journal.lanes(), in_log_, producer);
  const Sequence next = known == nullptr ? message.sequence() : known->end;
  const auto id = journal.lane(in_log_, channel_.name(), producer, seen->epoch, next);
  if (!id) notes_.add(id.error().sentence());
  lane = {.id = id ? *id : 0, .epoch = seen->epoch, .next = next, .dead = !id, .joined = true};
  return &lane;
}

std::string PlainChannel::name_in_log(const Journal& journal, const LaneStats& lane) const {
  if (!lane.producer.empty()) {
    const JournalLane* const known = find_lane(journal.lanes(), in_log_, lane.producer);
    if (known == nullptr || known->epoch == lane.epoch) return lane.producer;
  }
  // 46 bytes, an @ and 16 digits are what a name in the log holds.
  const std::string name =
      lane.producer.empty() ? "lane-" + std::to_string(lane.lane) : lane.producer.substr(0, 46);
  std::array<char, 24> epoch{};
  std::snprintf(epoch.data(), epoch.size(), "@%016" PRIx64, lane.epoch);
  return name + epoch.data();
}

}  // namespace millrace
