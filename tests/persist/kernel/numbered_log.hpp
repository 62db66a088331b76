// A log whose every byte can be foretold: message k of its one lane is made from k. Whoever writes
// it remembers what was reported durable; whoever reads it can tell what is missing or wrong.
#pragma once

#include "millrace/core/record_layout.hpp"
#include "millrace/persist/journal.hpp"
#include "millrace/persist/journal_reader.hpp"

#include <chrono>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace millrace::testing_support {

inline constexpr Uuid kNumberedChannel{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

inline std::vector<std::byte> numbered_message(Sequence sequence) {
  const std::size_t length = 1 + static_cast<std::size_t>(sequence * 37 % 1500);
  std::vector<std::byte> bytes(length);
  std::uint64_t state = sequence * 0x9e37'79b9'7f4a'7c15 + 1;
  for (std::byte& each : bytes) {
    state = state * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
    each = static_cast<std::byte>(state >> 56);
  }
  return bytes;
}

class NumberedLog {
 public:
  static Result<NumberedLog> open(const JournalOptions& options) {
    auto journal = Journal::open(options);
    if (!journal) return Failure(journal.error());
    NumberedLog log(std::move(*journal));
    for (const JournalLane& lane : log.journal_.lanes()) {
      if (lane.producer == "numbers") log.next_ = lane.end;
    }
    log.reported_ = log.next_;
    const auto lane = log.journal_.lane(kNumberedChannel, "numbered", "numbers", 7, log.next_);
    if (!lane) return Failure(lane.error());
    log.lane_ = *lane;
    return log;
  }

  // Writes one item with `messages` messages, waiting for its turn, not for the disk.
  Result<void> write(std::size_t messages) {
    for (; messages != 0; --messages) {
      if (!add(numbered_message(next_))) break;
    }
    for (;;) {
      const auto item = journal_.submit();
      if (item) {
        written_.emplace_back(*item, next_);
        return poll(std::chrono::nanoseconds(0));
      }
      if (journal_.stats().state == LogState::full) return fail(Errc::full, "the disk is full");
      if (item.error().code() != Errc::busy) return Failure(item.error());
      if (auto polled = poll(std::chrono::seconds(1)); !polled) return polled;
    }
  }

  // Looks what has become durable.
  Result<void> poll(std::chrono::nanoseconds most) {
    auto polled = journal_.poll(most);
    while (!written_.empty() && written_.front().first <= journal_.durable()) {
      reported_ = written_.front().second;
      written_.pop_front();
    }
    return polled;
  }

  // Everything that was written is durable when it returns.
  Result<void> settle() {
    while (!written_.empty()) {
      if (auto polled = poll(std::chrono::seconds(1)); !polled) return polled;
    }
    return {};
  }

  // Messages below it were reported durable.
  [[nodiscard]] Sequence reported() const noexcept { return reported_; }

  // Messages below it were handed to the disk.
  [[nodiscard]] Sequence next() const noexcept { return next_; }

  [[nodiscard]] Journal& journal() noexcept { return journal_; }

 private:
  explicit NumberedLog(Journal journal) noexcept : journal_(std::move(journal)) {}

  bool add(const std::vector<std::byte>& message) {
    const std::size_t bytes = layout::record_bytes(message.size());
    const std::span<std::byte> room = journal_.room(bytes);
    if (room.size() < bytes) return false;
    const std::uint64_t word =
        layout::RecordHeader{.length = static_cast<std::uint32_t>(message.size()),
                             .type = RecordType::message,
                             .sequence = static_cast<std::uint8_t>(next_),
                             .flags = 0,
                             .key = 0}
            .word();
    std::memset(room.data(), 0, bytes);
    std::memcpy(room.data(), &word, sizeof word);
    std::memcpy(room.data() + sizeof word, message.data(), message.size());
    journal_.add_run(lane_, next_, 1, bytes);
    ++next_;
    return true;
  }

  Journal journal_;
  JournalLaneId lane_ = 0;
  Sequence next_ = 0;
  Sequence reported_ = 0;
  std::deque<std::pair<ItemNumber, Sequence>> written_;
};

// Reads the whole log of `directory`. Empty if it holds messages 0 to some end at or above
// `reported`, each once and as it was made; else what is wrong.
inline std::string wrong_with_log(const std::string& directory, Sequence reported) {
  auto reader = JournalReader::open(directory);
  if (!reader) return std::string(reader.error().sentence());
  Sequence next = 0;
  for (;; ++next) {
    const auto message = reader->next();
    if (!message) return std::string(message.error().sentence());
    if (!*message) break;
    if ((*message)->sequence != next) {
      return "message " + std::to_string((*message)->sequence) + " where " + std::to_string(next) +
             " was due";
    }
    const std::vector<std::byte> made = numbered_message(next);
    const std::span<const std::byte> bytes = (*message)->bytes;
    if (!std::equal(bytes.begin(), bytes.end(), made.begin(), made.end())) {
      return "message " + std::to_string(next) + " has other bytes";
    }
  }
  if (next >= reported) return "";
  return "it ends at message " + std::to_string(next) + ", and " + std::to_string(reported) +
         " were reported durable";
}

}  // namespace millrace::testing_support
