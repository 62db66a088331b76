// Makes the file of one participant: unnamed, filled, locked, and only then linked into
// participants/, so that a name in that directory is a complete file from the first moment on.
//
// The lock is held through a description of its own; the mapping has another (a mapping would keep
// the lock beyond the close, for instance in a forked child).
#pragma once

#include "millrace/core/lifetime_lock.hpp"
#include "millrace/core/mapping.hpp"
#include "millrace/core/participant_layout.hpp"
#include "millrace/core/participant_name.hpp"
#include "millrace/core/result.hpp"

#include <cstdint>
#include <string_view>

namespace millrace::detail {

// What a participant says of its process. Asked once, used for every try.
struct SelfPortrait {
  layout::ParticipantFile fields;
};

[[nodiscard]] SelfPortrait portray(std::string_view name, bool membarrier_registered);

class ParticipantFile {
 public:
  // A living file under a new incarnation of `id`. Errors as Participant::enter.
  [[nodiscard]] static Result<ParticipantFile> link(int domain_fd, std::uint32_t id,
                                                    const SelfPortrait& self);

  [[nodiscard]] ParticipantName name() const noexcept { return name_; }

  // REQUIRES: not in a forked child, which has no such memory.
  [[nodiscard]] layout::ParticipantFile& bytes() const noexcept {
    return *reinterpret_cast<layout::ParticipantFile*>(mapping_.data());
  }

  void unlink(int domain_fd) const noexcept;

 private:
  ParticipantFile(ParticipantName name, Mapping mapping, LifetimeLock lock) noexcept;

  ParticipantName name_;
  Mapping mapping_;
  LifetimeLock lock_;
};

}  // namespace millrace::detail
