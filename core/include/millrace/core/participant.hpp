// A Participant is one life of this process in a domain. Its file, participants/ID.INCARNATION, is
// write-locked from before it has a name until this object or this process ends: that lock is the
// proof of life (liveness.hpp) on which everything else rests.
//
// I1: an incarnation is never used twice, so a name that was seen dead stays dead.
// I2: an id belongs to one participant at a time, and is given away again only when every repair
//     that its last holder registered is complete.
// I3: the lock's description is neither mapped nor shared; in a forked child it is closed, and the
//     child's copy of this object is foreign: it changes nothing and its destructor does nothing.
//
//   dies after         then there is                        repaired by
//   making the file    nothing, or a private name where     remove_dead_participants
//                      unnamed files are refused
//   linking it         a dead file, no repairs registered   enter when ids run out, or
//                                                           remove_dead_participants
//   will_need          a dead file that keeps its id        whoever is blocked on the dead, or
//                      until the repair is complete         `clean`; then as above
//   marking it left    the same, with `left` set            the same
//
// A process may have several participants, also in one domain; they see each other's death rightly.
//
// Thread safety: will_need, count_probe_error, name and foreign from any thread; enter from any
// thread; the destructor from one, when nobody uses the object any more.
#pragma once

#include "millrace/core/fork_guard.hpp"
#include "millrace/core/limits.hpp"
#include "millrace/core/participant_layout.hpp"
#include "millrace/core/participant_name.hpp"
#include "millrace/core/participant_repairs.hpp"
#include "millrace/core/result.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace millrace {

class Participant {
 public:
  // `domain_fd`: the domain's directory, with its participants/; it is duplicated, not kept.
  // `name`: for people, cut to 63 bytes. `check` says whether the repairs of dead participants are
  // complete, when no id is free without removing one, and whether this one's are when it leaves.
  //
  // Errors: too_many (1024 participants, or none whose repairs are complete), no_space,
  // no_permission, not_found (no participants/), unsupported (no OFD locks, no /proc), system.
  [[nodiscard]] static Result<std::unique_ptr<Participant>> enter(
      int domain_fd, std::string_view name, RepairCheck check = nothing_registered);

  Participant(const Participant&) = delete;
  Participant& operator=(const Participant&) = delete;

  // Leaves in good order: marks the file as left, removes it if no repair is open, and lets go of
  // the lock. Does nothing in a forked child.
  ~Participant();

  [[nodiscard]] ParticipantName name() const noexcept;

  // Is this the copy of a forked child?
  [[nodiscard]] bool foreign() const noexcept;

  // Registers what others must repair after this participant's death. Call it before the first act
  // of that kind; idempotent and cheap.
  void will_need(layout::Repair repair) noexcept;

  // One more probe that failed and was taken as "alive" (Probe::failed).
  void count_probe_error() noexcept;

  // May publishers of this process leave out their fence (heavy_barrier.hpp)?
  [[nodiscard]] bool membarrier_registered() const noexcept;

  // Reserved for the intents of queues; zero at first. REQUIRES: not foreign.
  [[nodiscard]] std::span<std::byte, kPageBytes> scratch() noexcept;

 private:
  struct Life;

  explicit Participant(std::unique_ptr<Life> life) noexcept;

  ForkGuard guard_;
  std::unique_ptr<Life> life_;
};

}  // namespace millrace
