// What publishers and subscribers of `millrace run` have in common: they are this program, started
// by the parent with the page of results as descriptor 3, and follow its phases. They die with
// their parent, whatever kills it.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/transport/domain.hpp"
#include "run_page.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::tools {

// The descriptors that the parent passes on.
inline constexpr int kPageFd = 3;
inline constexpr int kDataFd = 4;
inline constexpr int kLengthsFd = 5;

// Key bits of a message of the main job: what comes before the payload.
inline constexpr std::uint16_t kStampedKey = 1;  // 8 bytes: Clock ticks just before the publish
inline constexpr std::uint16_t kSealedKey = 2;   // 8 bytes: seal_of() the message
inline constexpr std::size_t kStampBytes = 8;
inline constexpr std::size_t kSealBytes = 8;
// In one order, before the seal: which of its publisher's messages it is. The sequence does not say
// that, and what was lost cannot be counted otherwise.
inline constexpr std::size_t kNumberBytes = 8;

struct RunChild {
  const RunPage& page;
  ChildWords& words;
  std::uint32_t number;
  Channel channel;
  Clock clock;

  [[nodiscard]] const RunSettings& settings() const noexcept { return page.settings(); }

  // Waits until the parent has raised `phase`. False: it wants us to leave at once.
  [[nodiscard]] bool await(RunPhase phase) const noexcept;

  // Plays the bare ping-pong if it is ours to play, unless the parent has passed over `phase`.
  void play_bare(RunPhase phase, bool serves) const noexcept;
};

// The roles: from `place` to `leave`. An error ends the role.
[[nodiscard]] Result<void> publish_in_run(const RunChild& child);
[[nodiscard]] Result<void> subscribe_in_run(const RunChild& child);
[[nodiscard]] Result<void> record_in_run(const RunPage& page, const Domain& domain);

// The name that publisher `number` of a durable run has, also in the journal.
[[nodiscard]] std::string run_publisher_name(std::uint32_t number);

// The whole life of a child; `role` is "publisher", "subscriber" or "recorder". Returns the exit
// code.
int live_as_run_child(std::string_view role, std::uint32_t number);

}  // namespace millrace::tools
