#include "lock_keepers.hpp"

#include "millrace/core/domain_directory.hpp"

#include <map>

namespace millrace::tools {

std::vector<LockKeeper> find_lock_keepers(const std::string& domain_path,
                                          const ChannelStats& stats) {
  std::vector<LockKeeper> keepers;
  const auto directory = DomainDirectory::open(domain_path, false);
  if (!directory) return keepers;
  std::map<std::uint64_t, PeerName> alive;
  for (const LaneStats& lane : stats.lanes) {
    if (lane.publisher.alive) alive.emplace(lane.publisher.incarnation, lane.publisher);
  }
  for (const ReaderFileStats& reader : stats.readers) {
    if (reader.reader.alive) alive.emplace(reader.reader.incarnation, reader.reader);
  }
  for (const auto& [incarnation, peer] : alive) {
    // The numbers of another pid namespace cannot be compared.
    const auto info = millrace::describe(directory->fd(), {peer.id, incarnation});
    if (!info || !info->same_pid_namespace) continue;
    for (LockHolder& holder : holders(directory->fd(), {peer.id, incarnation})) {
      if (holder.pid != peer.pid || holder.dumping) keepers.push_back({peer, std::move(holder)});
    }
  }
  return keepers;
}

}  // namespace millrace::tools
