// The sentences of a log that is refused. They name the place, what came last, what proves that
// more was there, and whose messages it costs, as far as the next whole table tells.
#pragma once

#include "evidence.hpp"
#include "recover_chain.hpp"
#include "recover_end.hpp"
#include "slot_survey.hpp"

#include <string>

namespace millrace {

// "messages 10 to 19 of producer "a" in channel "c", …": what lies between where the lanes stand
// and what the item begins with; empty: its table does not tell.
[[nodiscard]] std::string lost_between(const Catalog& lanes, const ItemFacts* next_good);

[[nodiscard]] Failure broken_item(const LogEnd& end, const SeenSlot& slot, const Evidence& evidence,
                                  const std::string& lost);

[[nodiscard]] Failure missing_segment(const Chain::Missing& missing);

[[nodiscard]] Failure lost_head(const SeenSlot& headless, const Evidence& evidence);

[[nodiscard]] Failure rolled_back(const layout::Manifest& manifest, std::uint64_t epoch);

[[nodiscard]] Failure short_lane(const JournalLane& lane, const DurableWitness& witness,
                                 const LogEnd& end, Disk::File slot);

[[nodiscard]] Failure no_segment(const layout::Manifest& manifest);

[[nodiscard]] Failure no_manifest(bool later_version);

}  // namespace millrace
