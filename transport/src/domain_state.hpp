// One opened domain: its directory, and this process's participant in it, entered when it is first
// needed, so that an observer never writes anything.
#pragma once

#include "millrace/core/clock.hpp"
#include "millrace/core/domain_directory.hpp"
#include "millrace/core/participant.hpp"
#include "millrace/transport/stats.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace millrace::detail {

struct DomainState {
  DomainState(DomainDirectory opened, std::string called) noexcept
      : directory(std::move(opened)), participant_name(std::move(called)) {}

  // Enters the domain the first time. Any thread.
  Result<Participant*> participant();

  DomainDirectory directory;
  std::string participant_name;
  std::uint64_t ticks_per_us = 1000;
  unsigned processors = 1;
  std::atomic<std::uint32_t> readers_made{0};
  std::atomic<std::uint32_t> recorders_made{0};

 private:
  std::mutex entering_;
  std::unique_ptr<Participant> participant_;
};

// Looks up pid, name and life of a participant; what cannot be found out stays empty.
PeerName peer_name(int domain_fd, ParticipantName name, std::uint32_t number = 0);

// `pid 4711 "risk" (participant 3, subscriber 0)`, for error sentences; allocates nothing.
std::array<char, 160> describe_peer(const PeerName& peer) noexcept;

// Are all repairs of this dead participant complete? Looks through every channel of the domain for
// what still carries its incarnation, and removes its readers' files. REQUIRES: it is proven dead,
// or is this process's own and takes part in nothing any more.
bool repaired(int domain_fd, const layout::ParticipantFile& dead);

}  // namespace millrace::detail
