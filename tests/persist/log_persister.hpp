// A persister for tests of the seam between log and ring: what it copies through JournalFeed goes
// into a toy log. Whatever that log holds of a producer when it attaches is the producer's past.
#pragma once

#include "millrace/core/record_layout.hpp"
#include "millrace/transport/journal_feed.hpp"
#include "persist/toy_log.hpp"

#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <string>

namespace millrace::testing_support {

class LogPersister {
 public:
  // Makes the lanes of the producers in `past`, whose log ends before the given number.
  LogPersister(const Domain& domain, const ToyLog& log,
               const std::map<std::string, Sequence>& past = {})
      : log_(log), ends_(past) {
    auto feed = JournalFeed::attach(domain, "quotes", log.directory(), random_uuid(), 1, Uuid{});
    if (!feed) {
      wrong_ = std::string(feed.error().sentence());
      return;
    }
    feed_.emplace(std::move(*feed));
    for (const auto& [producer, end] : past)
      check(feed_->add_lane(producer, end));
    feed_->open_to_publishers();
    feed_->say(layout::JournalState::ok, 0);
  }

  // Makes everything durable that is there. Returns how many messages that were.
  std::size_t round() {
    std::size_t taken = 0;
    auto found = feed_->new_lanes();
    check(found);
    if (found) {
      for (const FeedLane& lane : *found) {
        check(feed_->resume(lane.lane, ends_[lane.producer]));
        lanes_[lane.lane] = lane.producer;
      }
    }
    feed_->beat(0);
    for (const auto& [lane, producer] : lanes_)
      taken += drain(lane, producer);
    return taken;
  }

  // What went wrong; empty if nothing did.
  [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }

  std::uint64_t wall_ns = 1'000;  // when the log takes the next messages in

 private:
  template <class T>
  void check(const Result<T>& result) {
    if (!result) wrong_ = std::string(result.error().sentence());
  }

  std::size_t drain(std::uint32_t lane, const std::string& producer) {
    std::size_t taken = 0;
    for (;;) {
      const auto run = feed_->copy(lane, room_);
      check(run);
      if (!run || run->bytes == 0) return taken;
      Sequence next = run->first;
      for (std::uint64_t at = 0; at < run->bytes;) {
        std::uint64_t word = 0;
        std::memcpy(&word, room_.data() + at, sizeof word);
        const auto header = layout::RecordHeader::of(word);
        if (header.type == RecordType::message) {
          log_.append(producer, next, header.key,
                      std::span(room_).subspan(at + kHeaderBytes, header.length), wall_ns);
          ++taken;
        }
        if (layout::has_sequence(header.type)) ++next;
        at += layout::record_bytes(header.length);
      }
      ends_[producer] = next;
      feed_->durable(lane, feed_->copied(lane));
    }
  }

  const ToyLog& log_;
  std::map<std::string, Sequence> ends_;
  std::map<std::uint32_t, std::string> lanes_;
  std::optional<JournalFeed> feed_;
  std::array<std::byte, 64 * 1024> room_{};
  std::string wrong_;
};

}  // namespace millrace::testing_support
