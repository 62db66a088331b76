#include "sim_lane.hpp"

#include <millrace/persist/journal_layout.hpp>

#include <algorithm>
#include <cstring>

namespace millrace::sim {

SimLane::SimLane(std::uint32_t number, std::uint64_t item_bytes)
    : channel_name("channel-" + std::to_string(number / 2)),
      producer("producer-" + std::to_string(number)),
      item_bytes_(item_bytes) {
  const std::uint64_t words[2] = {Random::mixed(number / 2 + 1), number / 2 + 1};
  std::memcpy(channel.data(), words, sizeof words);
}

void SimLane::publish(Random& random) {
  MessagePlan plan;
  plan.seed = random.next();
  plan.aborted = random.one_in(20);
  plan.style = random.one_in(12) ? static_cast<std::uint8_t>(random.between(1, 2)) : 0;
  switch (random.below(24)) {
    case 0: plan.length = static_cast<std::uint32_t>(random.below(3 * item_bytes_)); break;
    case 1:
    case 2:
    case 3:
    case 4: plan.length = static_cast<std::uint32_t>(random.below(item_bytes_ / 2)); break;
    case 5: plan.length = 0; break;
    default: plan.length = static_cast<std::uint32_t>(random.below(300)); break;
  }
  messages_.push_back(plan);
  ++published;
}

void SimLane::begin_life(Sequence end) {
  messages_.resize(end);
  std::erase_if(gaps, [end](const Gap& gap) { return gap.from >= end; });
  ++epoch;
  floor = durable = copied = published = end;
  part_offset = 0;
}

void SimLane::make_record(Sequence sequence, std::span<std::byte> into) const {
  const MessagePlan& message = plan(sequence);
  const layout::RecordHeader header{
      .length = message.length,
      .type = message.aborted ? RecordType::aborted : RecordType::message,
      .sequence = static_cast<std::uint8_t>(sequence),
      .flags = 0,
      .key = message.key()};
  const std::uint64_t word = header.word();
  std::memcpy(into.data(), &word, sizeof word);
  Random noise(message.seed);
  for (std::size_t at = sizeof word; at < into.size(); at += sizeof word) {
    std::uint64_t next = message.seed * 0x0101'0101'0101'0101;
    if (message.style == 0) next = noise.next();
    if (message.style == 2) next = layout::kItemMagic * 0x1'0000'0001ULL;
    std::memcpy(into.data() + at, &next, sizeof next);
  }
}

bool SimLane::same_payload(Sequence sequence, std::span<const std::byte> bytes) const {
  const MessagePlan& message = plan(sequence);
  if (bytes.size() != message.length) return false;
  scratch_.resize(message.record_bytes());
  make_record(sequence, scratch_);
  return std::ranges::equal(bytes, std::span(scratch_).subspan(8, message.length));
}

}  // namespace millrace::sim
