// CH/readers/ID.INCARNATION.K: where one subscriber stands. Written by the subscriber, read by
// publishers and observers, who believe nothing in it.
#pragma once

#include "channel_state.hpp"
#include "low_half.hpp"
#include "millrace/core/reader_layout.hpp"
#include "watched.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::detail {

struct ReaderName {
  ParticipantName participant;
  std::uint32_t number = 0;

  // Id and number as one word of shared memory; with the incarnation it names the reader.
  [[nodiscard]] std::uint64_t word() const noexcept {
    return std::uint64_t{number} << 32 | participant.id;
  }

  // Is it this reader that a publisher gave up on here?
  [[nodiscard]] bool is_in(const layout::EvictedSlot& slot) const noexcept {
    // Relaxed: whoever looks has ordered the list before.
    return slot.incarnation.load(std::memory_order_relaxed) == participant.incarnation &&
           slot.reader.load(std::memory_order_relaxed) == word();
  }

  friend bool operator==(const ReaderName&, const ReaderName&) = default;
};

[[nodiscard]] std::string to_string(const ReaderName& name);
[[nodiscard]] std::optional<ReaderName> parse_reader_name(std::string_view text) noexcept;

// Does the open file belong to the same user as the participant in whose name it speaks? A
// participant that has no file any more is nobody to be mistaken for.
[[nodiscard]] bool same_user(const ChannelState& channel, ParticipantName participant,
                             int file) noexcept;

// Every reader file there is; nothing if the directory cannot be read at the moment (no descriptor
// is left): then nobody may be taken for gone.
[[nodiscard]] std::optional<std::vector<ReaderName>> reader_names(const ChannelState& channel);

// Does this failure to open a reader's file prove that there is no reader to wait for? If not, the
// failure is our own (no descriptor, no memory).
[[nodiscard]] constexpr bool proves_no_reader(Errc code) noexcept {
  return code != Errc::system && code != Errc::no_space && code != Errc::too_many;
}

// A reader's file, mapped.
class ReaderFiles {
 public:
  // Somebody's, read-only. Errors: not_found, format, no_permission.
  static Result<ReaderFiles> open(const ChannelState& channel, const ReaderName& name);

  // Our own, new, in state joining.
  static Result<ReaderFiles> create(const ChannelState& channel, const ReaderName& name, bool lossy,
                                    bool fencing);

  [[nodiscard]] layout::ReaderFile& file() const noexcept {
    return *reinterpret_cast<layout::ReaderFile*>(mapping_.data());
  }

  [[nodiscard]] layout::ReaderSlot& slot(std::uint32_t lane) const noexcept {
    return *reinterpret_cast<layout::ReaderSlot*>(mapping_.data() +
                                                  layout::reader_slot_offset(lane));
  }

  [[nodiscard]] layout::ReaderState state() const noexcept {
    // [sync:reader-state] Acquire: an active reader's places are seen with it.
    return static_cast<layout::ReaderState>(file().state.load(std::memory_order_acquire));
  }

  void set_state(layout::ReaderState state) const noexcept {
    // [sync:reader-state] Release: without it a publisher could see the reader active before its
    // places, and wait for it at 0.
    file().state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
  }

  [[nodiscard]] const ReaderName& name() const noexcept { return name_; }

  // Private copy: whether it asked never to be waited for.
  [[nodiscard]] bool lossy() const noexcept { return lossy_; }

  // The NUMA node it ran on when it joined, if it could tell.
  [[nodiscard]] std::optional<std::uint32_t> node() const noexcept {
    const std::uint32_t node = file().node;
    return node != 0 ? std::optional(node - 1) : std::nullopt;
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return mapping_.size(); }

 private:
  ReaderName name_;
  bool lossy_ = false;
  Mapping mapping_;
  Watched watch_;
};

}  // namespace millrace::detail
