#include "recover_verdict.hpp"

namespace millrace {

namespace {

constexpr const char* kRemedy = "`millrace journal repair` gives it up";

unsigned long long number(std::uint64_t value) noexcept {
  return value;
}

}  // namespace

std::string lost_between(const Catalog& lanes, const ItemFacts* next_good) {
  if (next_good == nullptr) return {};
  std::string text;
  for (const LaneFact& fact : next_good->lanes) {
    const auto* const row = std::get_if<layout::TableEntry>(&fact);
    if (row == nullptr) continue;
    for (const JournalLane& lane : lanes.lanes()) {
      if (lane.id != row->lane || row->first <= lane.end) continue;
      text += text.empty() ? "" : ", ";
      text += "messages " + std::to_string(lane.end) + " to " + std::to_string(row->first - 1) +
              " of \"" + lane.producer + "\" in \"" + lane.channel_name + "\"";
    }
  }
  return text;
}

Failure broken_item(const LogEnd& end, const SeenSlot& slot, const Evidence& evidence,
                    const std::string& lost) {
  return fail(
      Errc::damaged,
      "journal item %llu is damaged (segment %llu, slot %u, offset %llu): %s, but %s proves "
      "that all up to item %llu was durable; it cost %.120s; %s",
      number(end.place.item), number(slot.header.segment), slot.slot, number(end.place.offset),
      to_string(end.end, end.state), to_string(evidence.by()), number(evidence.proven()),
      lost.empty() ? "messages that no table behind it tells of" : lost.c_str(), kRemedy);
}

Failure missing_segment(const Chain::Missing& missing) {
  const unsigned slot = missing.headless != nullptr ? missing.headless->slot : 0;
  if (missing.headless != nullptr) {
    return fail(Errc::damaged,
                "the head of journal segment %llu (slot %u, offset 0) is damaged, and segment %llu "
                "continues it from item %llu on; %s",
                number(missing.segment), slot, number(missing.successor->header.segment),
                number(missing.successor->header.item), kRemedy);
  }
  return fail(Errc::damaged,
              "journal segment %llu is in no slot, though it is needed and segment %llu (slot %u) "
              "continues it from item %llu on; bring its file back, or %s",
              number(missing.segment), number(missing.successor->header.segment),
              missing.successor->slot, number(missing.successor->header.item), kRemedy);
}

Failure lost_head(const SeenSlot& headless, const Evidence& evidence) {
  return fail(Errc::damaged,
              "the head of journal segment %llu (slot %u, offset 0) is damaged: %s, but %s proves "
              "that all up to item %llu was durable, and item %llu stands behind it; %s",
              number(headless.found_segment), headless.slot, to_string(headless.head_state),
              to_string(evidence.by()), number(evidence.proven()), number(headless.found_first),
              kRemedy);
}

Failure rolled_back(const layout::Manifest& manifest, std::uint64_t epoch) {
  return fail(Errc::damaged,
              "the journal has items of epoch %llu, but its manifest knows only %llu: the manifest "
              "was rolled back, or slots of another copy were mixed in; bring back the files that "
              "belong together, or `millrace journal repair` makes a manifest from the segments",
              number(epoch), number(manifest.epoch));
}

// Nothing of what is there is damaged, so there is nothing that a repair could give up.
Failure short_lane(const JournalLane& lane, const DurableWitness& witness, const LogEnd& end,
                   Disk::File slot) {
  return fail(
      Errc::damaged,
      "the journal ends at item %llu (slot %u, offset %llu) before what shared memory knows "
      "to be durable: producer \"%s\" of channel \"%s\" misses messages %llu to %llu; bring "
      "back the newest copy of its directory, or `millrace journal detach` goes on with a gap",
      number(end.place.item), slot, number(end.place.offset), witness.producer.c_str(),
      lane.channel_name.c_str(), number(lane.end), number(witness.durable - 1));
}

Failure no_segment(const layout::Manifest& manifest) {
  return fail(Errc::damaged,
              "no slot holds a segment from number %llu on, though the manifest says that the "
              "journal was written to (epoch %llu); bring back its slots, or %s",
              number(manifest.first_live), number(manifest.epoch), kRemedy);
}

Failure no_manifest(bool later_version) {
  if (later_version) {
    return fail(Errc::format,
                "the journal's manifest is of a later version than %u; open it with the version "
                "that wrote it",
                layout::kJournalVersion);
  }
  return fail(Errc::damaged,
              "both copies of the journal's manifest (manifest.a, manifest.b) are missing or bad, "
              "but slots hold segments; `millrace journal repair` makes a manifest from them");
}

}  // namespace millrace
