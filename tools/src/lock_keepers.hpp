// Participants that have ended, but seem alive because somebody else holds their lock: a child made
// behind the C library's back (raw clone, _Fork), or a core dump that is still being written.
#pragma once

#include "millrace/core/participant_info.hpp"
#include "millrace/transport/stats.hpp"

#include <string>
#include <vector>

namespace millrace::tools {

struct LockKeeper {
  PeerName participant;
  LockHolder holder;
};

// Looks at every publisher and reader in `stats` that counts as alive. Reads all of /proc once for
// each: for people, not for loops. Empty if this user may not look.
[[nodiscard]] std::vector<LockKeeper> find_lock_keepers(const std::string& domain_path,
                                                        const ChannelStats& stats);

}  // namespace millrace::tools
