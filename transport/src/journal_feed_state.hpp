// What a JournalFeed owns: the channel, its journal's words, and the lanes it reads.
#pragma once

#include "journal_stamps.hpp"
#include "journal_words.hpp"
#include "journaled_lane.hpp"
#include "millrace/core/fork_guard.hpp"
#include "millrace/transport/journal_feed.hpp"
#include "remembered_view.hpp"

#include <memory>
#include <vector>

namespace millrace::detail {

class JournalFeedState {
 public:
  JournalFeedState(std::shared_ptr<ChannelState> channel, Participant& participant,
                   JournalWords words, const Uuid& channel_in_log);
  ~JournalFeedState();

  JournalFeedState(const JournalFeedState&) = delete;
  JournalFeedState& operator=(const JournalFeedState&) = delete;

  Result<void> add_lane(std::string_view producer, Sequence next);
  Result<std::vector<FeedLane>> new_lanes();
  Result<std::vector<JournalFeed::Acknowledged>> acknowledged();
  bool prepare_to_sleep(std::vector<FutexWait>& waits) noexcept;
  void say(layout::JournalState state, int error) noexcept;

  [[nodiscard]] JournaledLane* find(std::uint32_t lane) noexcept;
  [[nodiscard]] Failure no_such_lane(std::uint32_t lane) const noexcept;

  [[nodiscard]] const ChannelState& channel() const noexcept { return *channel_; }

  [[nodiscard]] const Uuid& channel_in_log() const noexcept { return channel_in_log_; }

  [[nodiscard]] JournalWords& words() noexcept { return words_; }

  [[nodiscard]] JournalStamps& stamps() noexcept { return stamps_; }

  [[nodiscard]] bool foreign() const noexcept { return guard_.foreign(); }

  [[nodiscard]] std::vector<std::unique_ptr<JournaledLane>>& lanes() noexcept { return lanes_; }

 private:
  // Has the channel's lane generation moved since the last look?
  [[nodiscard]] bool stale() const noexcept;
  // Takes up lane N if it is new and ours to journal.
  Result<JournaledLane*> discover(std::uint32_t number);
  void drop_removed();
  void look_again() noexcept;

  ForkGuard guard_;
  std::shared_ptr<ChannelState> channel_;
  Participant& participant_;
  JournalWords words_;
  Uuid channel_in_log_;
  std::optional<std::uint64_t> generation_;  // none: the directory must be looked at
  // When the directory is looked at even if the generation stays: any member may set it back, and
  // the publisher of a lane that nobody journals waits for ever.
  std::uint64_t look_again_ns_ = 0;
  std::vector<std::unique_ptr<JournaledLane>> lanes_;
  RememberedView remembered_;
  JournalStamps stamps_;
};

// Takes the journal's role in a channel, or says why not.
[[nodiscard]] Result<std::unique_ptr<JournalFeedState>> attach_journal(
    std::shared_ptr<ChannelState> channel, const std::string& journal_directory, const Uuid& log,
    std::uint64_t epoch, const Uuid& channel_in_log);

}  // namespace millrace::detail
