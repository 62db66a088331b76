// A channel that is not durable, as its recorder sees it: a plain subscriber that nobody waits for.
// What it was too slow for is written down as gaps; it promises nothing.
//
// Such a lane begins again at 0 when its file is made anew, which the log's lanes never do. So a
// lane keeps its producer's name in the log for its first file only; later files, and producers
// without a name, are told apart by the file's epoch: NAME@EPOCH.
//
// Thread rules: the recorder's thread.
#pragma once

#include "millrace/transport/domain.hpp"
#include "recorder_source.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace millrace {

class PlainChannel final : public RecorderSource {
 public:
  // Begins where the log ends, if it knows the channel and the rings still hold that; else with
  // what is published from here on.
  static Result<std::unique_ptr<PlainChannel>> open(const Domain& domain,
                                                    const std::string& channel,
                                                    const Journal& journal, RecorderNotes& notes);

  Take take(Journal& journal, std::size_t most) override;

  // Nobody waits for its durable points.
  [[nodiscard]] Checkpoint taken() const noexcept override { return {}; }

  void durable(Checkpoint) noexcept override {}

  // Until something may have come; at most so long.
  void wait(std::chrono::nanoseconds most) noexcept;

  void begin_drain() noexcept override;

  [[nodiscard]] bool drained() const noexcept override { return drained_; }

  [[nodiscard]] std::size_t lanes() const noexcept override { return lanes_.size(); }

 private:
  struct Lane {
    JournalLaneId id = 0;
    std::uint64_t epoch = 0;
    Sequence next = 0;    // first message that the log does not hold
    bool dead = false;    // the log does not take it
    bool joined = false;  // nothing was taken yet: what was lost before is nobody's overrun
  };

  // A record on its way into the log, part by part.
  struct Long {
    std::vector<std::byte> record;
    std::size_t done = 0;
    JournalLaneId lane = 0;
    Sequence sequence = 0;
  };

  PlainChannel(Channel channel, Subscriber subscriber, const Uuid& in_log, RecorderNotes& notes)
      : channel_(std::move(channel)),
        subscriber_(std::move(subscriber)),
        notes_(notes),
        in_log_(in_log) {}

  Take take_some(Journal& journal, std::size_t most);
  [[nodiscard]] bool next_message();
  // False: the message cannot be added now.
  bool add(Journal& journal, Take& sum);
  bool add_missing(Journal& journal, Lane& lane);
  Take take_long(Journal& journal);
  bool begin_long(const Lane& lane);

  [[nodiscard]] Lane* lane_of(Journal& journal, const Message& message);
  [[nodiscard]] Lane* join(Journal& journal, const Message& message);
  [[nodiscard]] std::string name_in_log(const Journal& journal, const LaneStats& lane) const;

  Channel channel_;
  Subscriber subscriber_;
  RecorderNotes& notes_;
  Uuid in_log_;
  std::map<std::uint32_t, Lane> lanes_;  // by their number in the channel
  std::optional<Message> message_;       // polled and not yet in an item
  Long long_;
  std::uint64_t overrun_ = 0;  // messages that the subscriber said it lost, and no gap is said of
  std::uint64_t drain_left_ = 0;  // bytes that are waited for at most
  bool drained_ = false;
};

}  // namespace millrace
