// When may the name of a dead participant go, and its id be given away again? Once nothing in the
// domain needs it any more: every repair that it registered is complete. Whether one is complete is
// read off the world (no lane names the incarnation, no reader file carries it), by a check that
// the layer above supplies, so any number of processes may repair and remove at once.
//
// Thread safety: any thread, any process.
#pragma once

#include "millrace/core/liveness.hpp"
#include "millrace/core/participant_layout.hpp"
#include "millrace/core/participant_name.hpp"
#include "millrace/core/result.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace millrace {

// Is nothing left to be repaired for this dead participant? The bytes are a private copy whose id
// and incarnation have been checked against its name; the rest is as its owner left it. Never asked
// about a participant that registered nothing (yes) or something this version does not know (no).
using RepairCheck = std::function<bool(const layout::ParticipantFile&)>;

// The check of a layer that knows of no repairs: whoever registered one is kept.
[[nodiscard]] bool nothing_registered(const layout::ParticipantFile& copy) noexcept;

// No bit: complete. A bit of a later version: never complete. Else what `check` says.
[[nodiscard]] bool repairs_complete(const layout::ParticipantFile& copy, const RepairCheck& check);

// Copies a participant's file, whether its owner lives or not. The name is enforced on the copy. A
// file that makes no sense (truncated, foreign bytes) gives an error of code Errc::format.
[[nodiscard]] Result<layout::ParticipantFile> copy_participant(int domain_fd, ParticipantName name);

// Is it proven dead, with all repairs complete? Of a file that makes no sense everything is assumed
// to have been registered. A missing file counts as removable.
[[nodiscard]] bool removable(int domain_fd, ParticipantName name, const RepairCheck& check);

// Removes every removable participant's file, and unfinished ones that nobody works on any more;
// returns how many it removed. What belongs to another user in a sticky directory stays: its owner
// or root can remove it.
std::size_t remove_dead_participants(int domain_fd, const RepairCheck& check = nothing_registered);

// The names in participants/, in no order. What is not a participant's name is left out.
// Errors: no_permission, system. A domain without participants/ has none.
[[nodiscard]] Result<std::vector<ParticipantName>> participant_names(int domain_fd);

// The probe for who knows only the incarnation, as in a private name: dead if no participant has
// it.
[[nodiscard]] Probe probe_incarnation(int domain_fd, std::uint64_t incarnation);

}  // namespace millrace
