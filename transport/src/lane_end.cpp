// When has a subscriber read everything there will be? Its publishers have left, or are proven
// dead, and their lanes are read to the end.
#include "counter.hpp"
#include "lane_set.hpp"
#include "millrace/core/liveness.hpp"

#include <algorithm>

namespace millrace::detail {

bool LaneSet::owner_lives(const SeenLane& seen) noexcept {
  const layout::LaneControl& control = seen.files.control();
  if (LaneSet::left(seen)) return false;
  const Probe probed =
      probe(channel_->domain->directory.fd(),
            {control.owner_id.load(std::memory_order_relaxed), value(control.owner_incarnation)});
  if (probed.failed) participant_.count_probe_error();
  return probed.life == Life::alive;
}

std::size_t LaneSet::living_publishers() noexcept {
  return static_cast<std::size_t>(
      std::count_if(lanes_.begin(), lanes_.end(),
                    [&](const std::unique_ptr<SeenLane>& seen) { return owner_lives(*seen); }));
}

// A lane that a recorder made after a reboot has had no publisher yet.
bool LaneSet::had_publishers() const noexcept {
  return gone_ != 0 || std::any_of(lanes_.begin(), lanes_.end(), [](const auto& seen) {
           return value(seen->files.control().life) != 0;
         });
}

bool LaneSet::ended(const SubscriberState& state) noexcept {
  if (!had_publishers() || !cold_.empty()) return false;
  if (stale() || living_publishers() != 0) return false;
  if (state.order) {
    const std::uint64_t word =
        OrderRing<ProductionMemory>::look(state.order->order, state.order->at);
    return state.order->left == 0 && state.order->is_free(word);
  }
  // Their death, or good-bye, orders everything they published before this look.
  return std::none_of(state.cursors.begin(), state.cursors.end(), [](const LaneCursor& cursor) {
    // [sync:record] Acquire, as in LaneReader::poll.
    return cursor.reader.lane().header(cursor.reader.position()).load(std::memory_order_acquire) !=
           0;
  });
}

Failure LaneSet::closed() noexcept {
  std::size_t left = 0;
  for (const auto& seen : lanes_)
    left += LaneSet::left(*seen) ? 1 : 0;
  const std::size_t died = lanes_.size() - left;
  left += gone_;
  return fail(Errc::closed,
              "channel \"%s\": everything is read, and nobody publishes any more (%zu publishers "
              "left in good order, %zu died)",
              channel_->name.c_str(), left, died);
}

}  // namespace millrace::detail
