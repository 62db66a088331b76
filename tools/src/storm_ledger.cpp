#include "storm_ledger.hpp"

#include <algorithm>

namespace millrace::tools {

StormLedger::StormLedger(StormPage& page, bool lossless, std::string who, std::uint64_t joined_ns)
    : page_(page), lossless_(lossless), who_(std::move(who)), joined_ns_(joined_ns) {}

void StormLedger::violate(const std::string& what) const {
  page_.violate(who_ + ": " + what);
}

// Its lane did not exist when we joined, so its first message is ours. A named lane is as old as
// the first life of its publisher.
bool StormLedger::born_after_us(const StormHead& head) const noexcept {
  const StormLife& last = page_.lives[head.life];
  for (std::uint32_t each = last.named != 0 ? 0 : head.life; each <= head.life; ++each) {
    const StormLife& life = page_.lives[each];
    const bool same = life.role == StormRole::publisher && life.slot == last.slot;
    if (!same || life.channel != last.channel) continue;
    const std::uint64_t began_ns = life.began_ns.load(std::memory_order_relaxed);
    if (began_ns != 0) return began_ns > joined_ns_;
  }
  return false;
}

void StormLedger::take(const StormHead& head, std::uint64_t sequence) {
  if (head.sequence != sequence || head.life >= kStormLives) {
    return violate("message " + std::to_string(head.sequence) + " of " +
                   storm_producer_text(head.producer) + " came as number " +
                   std::to_string(sequence));
  }
  const auto known = seen_.find(head.producer);
  if (known == seen_.end()) return first(head);
  Seen& seen = known->second;
  if (sequence < seen.next) {
    violate("message " + std::to_string(sequence) + " of " + storm_producer_text(head.producer) +
            " came again, after " + std::to_string(seen.next - 1));
  } else if (sequence > seen.next) {
    gap(head, seen.next);
  }
  seen.next = std::max(seen.next, sequence + 1);
}

void StormLedger::first(const StormHead& head) {
  seen_[head.producer].next = head.sequence + 1;
  if (head.sequence == 0) return;
  if (born_after_us(head)) return gap(head, 0);
  uncertain_ += head.sequence;
}

void StormLedger::gap(const StormHead& head, std::uint64_t from) {
  missing_ += head.sequence - from;
  const std::string which = "messages " + std::to_string(from) + " to " +
                            std::to_string(head.sequence - 1) + " of " +
                            storm_producer_text(head.producer);
  if (lossless_) return violate(which + " are missing");
  // A loss is told by the poll before the message after it.
  if (missing_ > told_) {
    violate(which + " are missing and nobody said so: " + std::to_string(missing_) +
            " are missing in all, " + std::to_string(told_) + " were told");
  }
}

void StormLedger::take_torn(std::uint32_t lane, std::uint64_t sequence) {
  violate("message " + std::to_string(sequence) + " of lane " + std::to_string(lane) +
          " is torn: it is not what anybody published");
}

void StormLedger::lose(std::uint64_t messages) {
  told_ += messages;
  if (lossless_) violate(std::to_string(messages) + " messages are lost although it is waited for");
}

std::map<std::uint64_t, StormLedger::Range> StormLedger::published(std::uint32_t channel) const {
  std::map<std::uint64_t, Range> all;
  const std::uint32_t used = page_.lives_used.load(std::memory_order_relaxed);
  for (std::uint32_t each = 0; each < std::min(used, kStormLives); ++each) {
    const StormLife& life = page_.lives[each];
    if (life.role != StormRole::publisher || life.channel != channel) continue;
    const std::uint64_t began_ns = life.began_ns.load(std::memory_order_relaxed);
    if (began_ns == 0) continue;
    const std::uint64_t producer = life.named != 0 ? life.slot : kStormUnnamed + each;
    Range& range = all.try_emplace(producer, Range{0, 0, began_ns}).first->second;
    range.least = std::max(range.least, life.published.load(std::memory_order_relaxed));
    range.most = std::max(range.most, life.intended.load(std::memory_order_relaxed));
  }
  return all;
}

bool StormLedger::complete(std::uint32_t channel) const {
  for (const auto& [producer, range] : published(channel)) {
    const auto known = seen_.find(producer);
    const std::uint64_t next = known == seen_.end() ? 0 : known->second.next;
    if (known == seen_.end() && range.began_ns <= joined_ns_) continue;
    if (next < range.least) return false;
  }
  return true;
}

void StormLedger::close(std::uint32_t channel) {
  for (const auto& [producer, range] : published(channel))
    close_one(producer, range);
  if (lossless_) return;
  if (missing_ > told_ || told_ > missing_ + uncertain_) {
    violate("it was told of " + std::to_string(told_) + " lost messages, and " +
            std::to_string(missing_) + " to " + std::to_string(missing_ + uncertain_) +
            " are missing");
  }
}

void StormLedger::close_one(std::uint64_t producer, const Range& range) {
  const auto known = seen_.find(producer);
  const bool ours = range.began_ns > joined_ns_;
  if (known == seen_.end() && !ours) {
    // Its lane may have been there, and may have been read over from its place on.
    uncertain_ += range.most;
    return;
  }
  const std::uint64_t next = known == seen_.end() ? 0 : known->second.next;
  if (next > range.most) {
    return violate("message " + std::to_string(next - 1) + " of " + storm_producer_text(producer) +
                   " came, and only " + std::to_string(range.most) + " were published");
  }
  uncertain_ += range.most - std::max(next, range.least);
  if (next >= range.least) return;
  missing_ += range.least - next;
  if (!lossless_) return;
  violate("messages " + std::to_string(next) + " to " + std::to_string(range.least - 1) + " of " +
          storm_producer_text(producer) + " never came");
}

}  // namespace millrace::tools
