// Which messages of a log a replay gives: the producers of one channel, and where in each it begins
// and ends.
//
// Thread rules: one thread at a time.
#pragma once

#include "millrace/persist/journal_reader.hpp"
#include "millrace/persist/replayer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

class ReplayRange {
 public:
  // Errors: bad_argument (several channels, and none is named; a range that ends before it begins),
  // not_found (the log does not hold this channel or producer).
  static Result<ReplayRange> choose(const ReplayOptions& options,
                                    const std::vector<JournalLane>& lanes);

  // Lanes that the log has learned of meanwhile.
  void learn(const std::vector<JournalLane>& lanes);

  enum class Verdict : std::uint8_t { give, pass_over, unknown_lane };

  Verdict judge(const JournaledMessage& message);

  // Nothing that is yet to come can belong to the range.
  [[nodiscard]] bool over() const noexcept;

  [[nodiscard]] const std::string& producer(JournalLaneId lane) const noexcept {
    return *producers_[lane];
  }

  // Where to begin reading, if that is one message of one lane.
  [[nodiscard]] std::optional<JournalLaneId> only_lane() const noexcept;

  // Messages that the range asks for and retention has taken; told once, lane by lane.
  Result<void> tell_trimmed();

 private:
  explicit ReplayRange(const ReplayOptions& options, std::string channel)
      : options_(options), channel_(std::move(channel)) {}

  struct Trimmed {
    std::string producer;
    Sequence end = 0;  // one past the last one that is gone
  };

  void end_lane(JournalLaneId lane) noexcept;
  [[nodiscard]] bool wanted(const JournalLane& lane) const noexcept;

  ReplayOptions options_;
  std::string channel_;
  std::vector<std::optional<std::string>> producers_;  // by lane id; empty: not of this range
  std::vector<bool> known_;                            // by lane id: learned of
  std::vector<bool> done_;                             // by lane id: past options_.to
  std::size_t wanted_ = 0;
  std::size_t ended_ = 0;
  bool past_time_ = false;  // options_.to_ns was met
  std::vector<Trimmed> trimmed_;
};

}  // namespace millrace
