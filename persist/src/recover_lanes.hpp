// What the heads of segments say about those that are not walked: how far each lane went in them.
// A head's catalog tells where every lane stood, so two heads enclose what lies between.
#pragma once

#include "item_view.hpp"
#include "lane_tracker.hpp"
#include "recover_chain.hpp"
#include "recovered_log.hpp"

namespace millrace {

// Fills log.segments[0, count) from their heads and the head behind each, and lets `lanes` stand
// where the last of them ends. REQUIRES count < chain.segments.size().
void follow_heads(ItemReader& reader, const Chain& chain, std::size_t count, LaneTracker& lanes,
                  RecoveredLog& log);

}  // namespace millrace
