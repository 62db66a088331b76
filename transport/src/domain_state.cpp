#include "domain_state.hpp"

#include "millrace/core/participant_info.hpp"

#include <cstdio>

namespace millrace::detail {

Result<Participant*> DomainState::participant() {
  const std::lock_guard lock(entering_);
  // After a fork the parent's participant is not ours: enter anew. The copy is kept, its destructor
  // does nothing here.
  if (participant_ && participant_->foreign()) (void)participant_.release();
  if (participant_) return participant_.get();
  const int fd = directory.fd();
  auto entered =
      Participant::enter(fd, participant_name,
                         [fd](const layout::ParticipantFile& dead) { return repaired(fd, dead); });
  if (!entered) return Failure(entered.error());
  participant_ = std::move(*entered);
  if (auto shared = Clock::open(fd)) {
    ticks_per_us = static_cast<std::uint64_t>(1000.0 / shared->report().ns_per_tick);
  }
  return participant_.get();
}

PeerName peer_name(int domain_fd, ParticipantName name, std::uint32_t number) {
  PeerName peer;
  peer.id = name.id;
  peer.incarnation = name.incarnation;
  peer.number = number;
  if (name.incarnation == 0) return peer;
  peer.alive = probe(domain_fd, name).life == Life::alive;
  if (const auto info = describe(domain_fd, name)) {
    peer.pid = info->pid;
    peer.name = info->name;
  }
  return peer;
}

std::array<char, 160> describe_peer(const PeerName& peer) noexcept {
  std::array<char, 160> text{};
  if (peer.pid != 0) {
    std::snprintf(text.data(), text.size(), "pid %u \"%s\" (participant %u, subscriber %u)",
                  peer.pid, peer.name.c_str(), peer.id, peer.number);
  } else {
    std::snprintf(text.data(), text.size(), "participant %u, subscriber %u", peer.id, peer.number);
  }
  return text;
}

}  // namespace millrace::detail
