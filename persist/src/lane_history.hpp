// The past of a channel's lanes (transport/history.hpp), read from the log. Every lane has a place
// of its own, so that a message costs no search as long as its reader asks for one after the other;
// what is known of the log is shared.
//
// Thread rules: one thread at a time for a history and all its lanes.
#pragma once

#include "millrace/persist/journal_reader.hpp"
#include "millrace/transport/history.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace millrace {

class LogHistory final : public History {
 public:
  static Result<std::unique_ptr<History>> open(const std::string& directory, const Uuid& channel);

  Result<std::unique_ptr<LaneHistory>> lane(std::string_view producer) override;

  Result<std::optional<Sequence>> remembered(std::string_view subscriber,
                                             std::string_view producer) override;

 private:
  LogHistory(JournalReader reader, const Uuid& channel)
      : reader_(std::move(reader)), channel_(channel) {}

  JournalReader reader_;
  Uuid channel_;
};

class LogLaneHistory final : public LaneHistory {
 public:
  LogLaneHistory(JournalReader reader, const Uuid& channel, std::string producer)
      : reader_(std::move(reader)), channel_(channel), producer_(std::move(producer)) {}

  Result<std::optional<PastMessage>> read(Sequence sequence, Sequence below) override;
  Result<Sequence> oldest() override;
  Result<Sequence> first_since(std::uint64_t wall_ns) override;

 private:
  // The lane as the reader knew it last; null: the log does not know it.
  [[nodiscard]] const JournalLane* known() const noexcept;
  Result<const JournalLane*> look_again();

  Result<bool> seek(JournalLaneId id, Sequence sequence, Sequence below);
  // Moves on to the first message of the lane at or after `sequence`; it stays in held_.
  Result<bool> find(Sequence sequence);
  Result<std::optional<PastMessage>> search(Sequence sequence, Sequence below);
  [[nodiscard]] bool in_gap(Sequence sequence) const noexcept;
  [[nodiscard]] bool is_lost(Sequence sequence) const noexcept;
  // What held_ is to somebody who asks for `sequence`.
  Result<std::optional<PastMessage>> give(Sequence sequence, Sequence below);
  // What is gone from `sequence` on and why; the caller goes on at `to`, which costs no search.
  Failure missing(Sequence sequence, Sequence to, const char* why) noexcept;
  Failure trimmed(Sequence sequence, Sequence first) const noexcept;

  JournalReader reader_;
  Uuid channel_;
  std::string producer_;
  Sequence expected_ = 0;                 // the next one that costs no search
  std::optional<JournaledMessage> held_;  // read, and not yet asked for
  bool placed_ = false;                   // the reader stands at or before expected_
};

}  // namespace millrace
