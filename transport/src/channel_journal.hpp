// How far a durable channel is on disk, as everybody but its journal sees it: CH/journal, mapped
// read-only. Every word in it is a claim: what makes no sense counts as "no progress".
//
// Thread rules: any thread, once it is open.
#pragma once

#include "millrace/core/channel_journal_layout.hpp"
#include "millrace/core/memory_policy.hpp"
#include "millrace/core/participant_name.hpp"
#include "millrace/core/segment.hpp"
#include "millrace/core/unique_number.hpp"
#include "millrace/transport/stats.hpp"
#include "watched.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace millrace::detail {

// A journal that is silent for so long is called stopped. Never dead: only its lock says that.
inline constexpr std::uint64_t kJournalSilentNs = 3'000'000'000;

// Who it is and how it is, at one moment.
struct JournalCondition {
  JournalHealth health = JournalHealth::absent;
  PeerName persister;
  std::uint64_t beat_age_ns = 0;
  int error = 0;  // errno behind full and poisoned
};

// `its journal is down; pid 4711 "recorder" held it`: what is wrong, who, since when. For the end
// of an error's sentence; at most 200 bytes.
[[nodiscard]] std::array<char, 200> describe_journal(const JournalCondition& condition) noexcept;

class ChannelJournal {
 public:
  [[nodiscard]] static Result<ChannelJournal> open(int channel_directory, std::uint32_t lanes);

  // Of a channel that is not durable. REQUIRES for everything else: the channel is.
  ChannelJournal() = default;

  // What the journal says of itself; a value that nobody writes is `poisoned`. `ok` says nothing
  // about its life: condition() does.
  [[nodiscard]] layout::JournalState state() const noexcept;

  // The newest durable point of the lane with this epoch: every message before it is durable, but
  // for gaps(). Nothing: the journal has not come to this lane, or says what makes no sense. A few
  // loads; never waits. Who keeps what it returned must take only what is greater.
  [[nodiscard]] std::optional<Checkpoint> durable(std::uint32_t lane,
                                                  std::uint64_t epoch) const noexcept;

  // The journal has found that this lane contradicts its log.
  [[nodiscard]] bool refused(std::uint32_t lane, std::uint64_t epoch) const noexcept;

  // Messages of the lane in [first, end) may be missing: some of them were overwritten before they
  // were journaled. first == end: none is.
  struct Gaps {
    std::uint64_t messages = 0;
    Sequence first = 0;
    Sequence end = 0;
  };

  [[nodiscard]] Gaps gaps(std::uint32_t lane, std::uint64_t epoch) const noexcept;

  // The ring from here on must stay, where that is beyond the durable point: the journal goes on
  // behind a gap whose record is not durable yet. 0: nothing of the kind.
  [[nodiscard]] Position stands_at(std::uint32_t lane, std::uint64_t epoch) const noexcept;

  // The two words to sleep on, bounded: read them before looking at what they stand for.
  [[nodiscard]] const layout::HalfWord& advanced_word(std::uint32_t lane) const noexcept {
    return slot(lane).advanced;
  }

  [[nodiscard]] const layout::HalfWord& state_word() const noexcept { return file().state; }

  // The channel's identity in the log, beyond reboots; valid once state() is not `absent`.
  [[nodiscard]] Uuid channel_in_log() const noexcept;

  // Who holds the log; incarnation 0: nobody.
  [[nodiscard]] ParticipantName persister() const noexcept;

  // Looks whether the persister lives: a probe, that is two or three system calls.
  [[nodiscard]] JournalHealth health(int domain_fd) const noexcept;

  // The same with names and figures, for people.
  [[nodiscard]] JournalCondition condition(int domain_fd) const;

  [[nodiscard]] const layout::ChannelJournalFile& file() const noexcept {
    return *reinterpret_cast<const layout::ChannelJournalFile*>(segment_->data());
  }

  [[nodiscard]] const layout::JournalSlot& slot(std::uint32_t lane) const noexcept {
    return *reinterpret_cast<const layout::JournalSlot*>(segment_->data() +
                                                         layout::journal_slot_offset(lane));
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return segment_ ? segment_->size() : 0; }

 private:
  std::optional<Segment> segment_;
  Watched watch_;
};

}  // namespace millrace::detail
