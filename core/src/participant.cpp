#include "millrace/core/participant.hpp"

#include "millrace/core/descriptor.hpp"
#include "millrace/core/heavy_barrier.hpp"
#include "millrace/core/lifetime_lock.hpp"
#include "participant_file.hpp"

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace millrace {
namespace {

// Two that pick the same id both give way, so a try fails only while others enter at that moment.
constexpr int kTriesMax = 64;

using Ids = std::bitset<kParticipantsMax>;

Ids ids_in_use(int domain_fd, const std::vector<ParticipantName>& names, const RepairCheck& check,
               bool look_closely) {
  Ids used;
  for (const ParticipantName name : names) {
    if (used.test(name.id)) continue;
    if (!look_closely || !removable(domain_fd, name, check)) used.set(name.id);
  }
  return used;
}

// The lowest free id at first, because small numbers read well; then any, to get out of the way of
// others that entered at the same moment. REQUIRES: at least one is free.
std::uint32_t pick_free(const Ids& used, bool any) noexcept {
  const auto free = static_cast<std::uint32_t>(kParticipantsMax - used.count());
  std::uint32_t skip = any ? arc4random_uniform(free) : 0;
  for (std::uint32_t id = 0; id < kParticipantsMax; ++id) {
    if (used.test(id)) continue;
    if (skip == 0) return id;
    --skip;
  }
  return 0;
}

Result<std::uint32_t> choose_id(int domain_fd, const RepairCheck& check, bool any) {
  Result<std::vector<ParticipantName>> names = participant_names(domain_fd);
  if (!names) return std::unexpected(names.error());
  Ids used = ids_in_use(domain_fd, *names, check, false);
  if (used.all()) {
    remove_dead_participants(domain_fd, check);
    names = participant_names(domain_fd);
    if (!names) return std::unexpected(names.error());
    // What may be removed, but not by this user, does not hold its id.
    used = ids_in_use(domain_fd, *names, check, true);
  }
  if (!used.all()) return pick_free(used, any);
  return fail(Errc::too_many,
              "all %u participants of the domain are taken: close some, or run \"millrace clean\" "
              "to repair after the dead and remove them",
              kParticipantsMax);
}

// Listed after the own file has its name: of two that linked the same id at least one sees the
// other. An equal incarnation under another id (a clock set back) is a conflict as well.
Result<bool> is_alone(int domain_fd, ParticipantName own, const RepairCheck& check) {
  const Result<std::vector<ParticipantName>> names = participant_names(domain_fd);
  if (!names) return std::unexpected(names.error());
  return std::ranges::none_of(*names, [&](ParticipantName other) {
    if (other == own) return false;
    if (other.incarnation == own.incarnation) return true;
    return other.id == own.id && !removable(domain_fd, other, check);
  });
}

}  // namespace

struct Participant::Life {
  Descriptor domain;
  detail::ParticipantFile file;
  RepairCheck check;
  bool membarrier = false;
};

Participant::Participant(std::unique_ptr<Life> life) noexcept : life_(std::move(life)) {}

Result<std::unique_ptr<Participant>> Participant::enter(int domain_fd, std::string_view name,
                                                        RepairCheck check) {
  Descriptor domain(fcntl(domain_fd, F_DUPFD_CLOEXEC, 0));
  if (!domain.valid()) return fail_os(errno, "cannot enter the domain");
  const bool membarrier = register_membarrier();
  const detail::SelfPortrait self = detail::portray(name, membarrier);
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const Result<std::uint32_t> id = choose_id(domain.get(), check, tries > 0);
    if (!id) return std::unexpected(id.error());
    auto file = detail::ParticipantFile::link(domain.get(), *id, self);
    // Somebody who cleans up may have taken the unfinished file away.
    if (!file && file.error().os_error() == ENOENT) continue;
    if (!file) return std::unexpected(file.error());
    const Result<bool> alone = is_alone(domain.get(), file->name(), check);
    if (alone && *alone) {
      return std::unique_ptr<Participant>(new Participant(std::make_unique<Life>(
          Life{std::move(domain), *std::move(file), std::move(check), membarrier})));
    }
    file->unlink(domain.get());
    if (!alone) return std::unexpected(alone.error());
    usleep(arc4random_uniform(1000));
  }
  return fail(Errc::too_many,
              "too many participants enter the domain at the same moment: try again");
}

Participant::~Participant() {
  if (foreign()) return;
  layout::ParticipantFile& file = life_->file.bytes();
  // Relaxed: whoever reads it looks for the lock as well, and the kernel orders that.
  std::atomic_ref(file.left).store(1, std::memory_order_relaxed);
  if (repairs_complete(file, life_->check)) life_->file.unlink(life_->domain.get());
}

ParticipantName Participant::name() const noexcept {
  return life_->file.name();
}

bool Participant::foreign() const noexcept {
  return guard_.foreign();
}

void Participant::will_need(layout::Repair repair) noexcept {
  if (foreign()) return;
  const auto bit = static_cast<std::uint64_t>(repair);
  // [sync:repairs] Sequentially consistent, so that no act of this kind is visible before the bit.
  // Without it a repairer could find the act but not the need, and give the id away too early.
  std::atomic_ref(life_->file.bytes().repairs).fetch_or(bit, std::memory_order_seq_cst);
}

void Participant::count_probe_error() noexcept {
  if (foreign()) return;
  // Relaxed: a statistic.
  std::atomic_ref(life_->file.bytes().probe_errors).fetch_add(1, std::memory_order_relaxed);
}

bool Participant::membarrier_registered() const noexcept {
  return life_->membarrier;
}

std::span<std::byte, kPageBytes> Participant::scratch() noexcept {
  auto* bytes = reinterpret_cast<std::byte*>(life_->file.bytes().scratch);
  return std::span<std::byte, kPageBytes>(bytes, kPageBytes);
}

}  // namespace millrace
