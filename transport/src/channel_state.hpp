// One opened channel: what `meta` says, the doorbell, and the directories that lanes and readers
// live in.
#pragma once

#include "channel_journal.hpp"
#include "domain_state.hpp"
#include "millrace/core/doorbell_layout.hpp"
#include "millrace/core/order_ring.hpp"
#include "millrace/core/segment.hpp"
#include "millrace/core/unique_number.hpp"
#include "millrace/transport/options.hpp"
#include "millrace/transport/schema.hpp"
#include "watched.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::detail {

inline constexpr const char* kMetaName = "meta";
inline constexpr const char* kDoorbellName = "doorbell";
inline constexpr const char* kReadersName = "readers";
inline constexpr const char* kOrderName = "order";  // of channels with one order
inline constexpr const char* kStampsName = "stamps";
inline constexpr const char* kJournalName = "journal";        // of durable channels
inline constexpr const char* kRememberedName = "remembered";  // of durable channels

// Where somebody can stand and sleep: in every lane and, behind them, in the order.
[[nodiscard]] inline std::uint32_t places(const ChannelOptions& options) noexcept {
  return options.lanes_max + (options.order == Order::total ? 1 : 0);
}

struct ChannelState {
  // Opens what exists. With `doorbell` = Access::read it needs no right to take part (stat).
  static Result<std::shared_ptr<ChannelState>> open(std::shared_ptr<DomainState> domain,
                                                    std::string_view name, Access doorbell);

  [[nodiscard]] layout::DoorbellFile& doorbell() const noexcept {
    return *reinterpret_cast<layout::DoorbellFile*>(doorbell_segment->data());
  }

  [[nodiscard]] layout::Word& asleep_at(std::uint32_t lane) const noexcept {
    return reinterpret_cast<layout::DoorbellSlot*>(doorbell_segment->data() +
                                                   layout::doorbell_slot_offset(lane))
        ->asleep_at;
  }

  [[nodiscard]] bool ordered() const noexcept { return options.order == Order::total; }

  // The order as everybody may see it, mapped read-only. REQUIRES ordered().
  [[nodiscard]] OrderView order() const noexcept {
    return {order_segment->data(), layout::order_words(options.lanes_max, options.ring_bytes)};
  }

  // The same as a publisher writes it.
  [[nodiscard]] Result<Segment> open_order(Access access) const;

  // The first free ordinal; 0 where there is no order.
  [[nodiscard]] Ordinal frontier() const noexcept {
    return ordered() ? OrderRing<ProductionMemory>::frontier(order()) : 0;
  }

  // Is it still the channel of its name? Whoever takes part asks last, when others can see that it
  // does: then either it notices a removal, or the remover notices it.
  [[nodiscard]] Result<void> check_in_place() const noexcept;

  // May a publisher overwrite what somebody is still copying?
  [[nodiscard]] bool may_overwrite() const noexcept {
    return options.policy != Policy::block ||
           (options.durable && options.when_journal_fails == WhenJournalFails::proceed);
  }

  // Tells readers to look at the lanes again.
  void lanes_changed() const noexcept;

  std::shared_ptr<DomainState> domain;
  std::string name;
  ChannelOptions options;
  Uuid uuid{};
  std::uint64_t features_write = 0;  // of meta: unknown bits forbid publishing
  std::uint64_t schema = 0;
  std::string schema_name;
  Descriptor directory;
  Descriptor readers;
  Descriptor stamps;  // not valid: made by a version that had none
  std::optional<Segment> doorbell_segment;
  Watched doorbell_watch;
  std::optional<Segment> order_segment;
  Watched order_watch;
  ChannelJournal journal;  // of a durable channel
};

// 1 to 48 of A-Z a-z 0-9 . _ -, beginning with a letter, digit or underscore.
[[nodiscard]] bool valid_channel_name(std::string_view name) noexcept;

// Checks options that somebody typed; the sentence says what is wrong and what is possible.
[[nodiscard]] Result<void> check(const ChannelOptions& options);

// The same for a channel that is to be made.
[[nodiscard]] Result<void> check_new(const ChannelOptions& options);

// The path in the one form that paths are compared in: no "." and "..", no slash at the end.
[[nodiscard]] std::string journal_directory(const std::string& path);

// Builds the channel under a private name and shows it in one step. Errc::exists if it is there.
[[nodiscard]] Result<void> build_channel(DomainState& domain, std::string_view name,
                                         const ChannelOptions& options, const Schema& schema);

}  // namespace millrace::detail
