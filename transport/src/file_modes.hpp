// A channel's permission bits say who may publish (w) and who may subscribe (r), for owner, group
// and others. From them follow the bits of every file in it.
#pragma once

#include <cstdint>

namespace millrace::detail {

// The classes (owner, group, others) that have any of `bits` (of 4 read, 2 write), as 1 per class.
constexpr std::uint32_t classes_with(std::uint32_t mode, std::uint32_t bits) noexcept {
  std::uint32_t classes = 0;
  for (unsigned shift = 0; shift < 9; shift += 3) {
    if ((mode >> shift & bits) != 0) classes |= 1U << shift;
  }
  return classes;
}

// Who publishes makes lanes here; sticky, so that nobody removes what is another's.
constexpr std::uint32_t channel_directory_mode(std::uint32_t mode) noexcept {
  return 01000 | classes_with(mode, 6) * 5 | classes_with(mode, 2) * 2 | 0700;
}

// Who takes part at all makes reader files here.
constexpr std::uint32_t readers_directory_mode(std::uint32_t mode) noexcept {
  return 01000 | classes_with(mode, 6) * 7 | 0700;
}

constexpr std::uint32_t meta_mode(std::uint32_t mode) noexcept {
  return classes_with(mode, 6) * 4 | 0600;
}

// Only the journal's process writes how far it is; it runs as the channel's creator, or as root.
constexpr std::uint32_t journal_mode(std::uint32_t mode) noexcept {
  return (classes_with(mode, 6) * 4 & 0044) | 0600;
}

// Publishers write the order, subscribers read it.
constexpr std::uint32_t order_mode(std::uint32_t mode) noexcept {
  return classes_with(mode, 6) * 4 | classes_with(mode, 2) * 2 | 0600;
}

constexpr std::uint32_t doorbell_mode(std::uint32_t mode) noexcept {
  return classes_with(mode, 6) * 6 | 0600;
}

// Only its publisher writes a lane; the others who may subscribe read it.
constexpr std::uint32_t lane_mode(std::uint32_t mode) noexcept {
  return (classes_with(mode, 6) * 4 & 0044) | 0600;
}

// A lane that the journal's process makes for a producer that is yet to come: whoever may publish.
constexpr std::uint32_t waiting_lane_mode(std::uint32_t mode) noexcept {
  return lane_mode(mode) | (classes_with(mode, 2) * 2 & 0022);
}

// Subscribers have no access at all: a read lock of theirs would block a successor.
constexpr std::uint32_t lane_lock_mode(std::uint32_t mode) noexcept {
  return classes_with(mode, 2) * 6 | 0600;
}

// Publishers read where a subscriber stands.
constexpr std::uint32_t reader_mode(std::uint32_t mode) noexcept {
  return (classes_with(mode, 6) * 4 & 0044) | 0600;
}

// Whoever takes part may see what the others stamped.
constexpr std::uint32_t recorder_mode(std::uint32_t mode) noexcept {
  return reader_mode(mode);
}

static_assert(channel_directory_mode(0600) == 01700 && lane_mode(0600) == 0600);
static_assert(channel_directory_mode(0640) == 01750 && readers_directory_mode(0640) == 01770);
static_assert(lane_mode(0640) == 0640 && lane_lock_mode(0640) == 0600);
static_assert(journal_mode(0666) == 0644 && waiting_lane_mode(0640) == 0640);
static_assert(waiting_lane_mode(0660) == 0660);
static_assert(doorbell_mode(0644) == 0666 && reader_mode(0660) == 0640);

}  // namespace millrace::detail
