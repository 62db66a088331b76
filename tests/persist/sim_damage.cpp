// Damage to what was reported durable, on forks of a history, and the verdict that it demands.
#include "sim_history.hpp"
#include "sim_sentence.hpp"

#include <algorithm>
#include <array>

namespace millrace::sim {

namespace {

// Recovery reads the payloads of the last two segments; damage before them is verify's to find.
std::vector<ItemNumber> checked_items(const LogWatch& watch) {
  std::vector<ItemNumber> numbers = watch.live();
  if (numbers.empty()) return numbers;
  const std::uint64_t newest = watch.items().rbegin()->second.segment;
  std::uint64_t before = 0;
  for (const ItemNumber number : numbers) {
    const std::uint64_t segment = watch.items().at(number).segment;
    if (segment < newest) before = std::max(before, segment);
  }
  std::erase_if(numbers,
                [&](ItemNumber number) { return watch.items().at(number).segment < before; });
  // A head that was begun anew stands in for the one before it.
  std::erase_if(numbers, [&](ItemNumber number) { return watch.has_older(number); });
  // Near the end, where it is hard to tell from a torn tail.
  if (numbers.size() > 12) numbers.erase(numbers.begin(), numbers.end() - 12);
  return numbers;
}

}  // namespace

// False: it would have changed nothing.
bool History::damage(SimulatedMedium& medium, ItemNumber victim) {
  const WrittenItem& item = watch_.items().at(victim);
  const std::uint64_t block = medium.facts.block_bytes;
  const std::uint64_t at = random_.below(item.covered);
  const std::uint64_t block_at = at / block * block;
  const std::span<const std::byte> before(item.before);
  switch (before.empty() ? random_.below(2) : random_.below(6)) {
    case 0: medium.flip(item.file, (item.offset + at) * 8 + random_.below(8)); return true;
    case 1: medium.make_unreadable(item.file, item.offset + at); return true;
    case 2: {  // one block was never written
      medium.poke(item.file, item.offset + block_at, before.subspan(block_at, block));
      break;
    }
    case 3: medium.poke(item.file, item.offset, before); break;
    case 4: {  // the beginning was written, the rest never
      medium.poke(item.file, item.offset + block_at, before.subspan(block_at));
      break;
    }
    default: {
      std::array<std::byte, kSectorBytes> garbage;
      for (std::byte& one : garbage)
        one = static_cast<std::byte>(random_.next());
      medium.poke(item.file, (item.offset + at) / kSectorBytes * kSectorBytes, garbage);
      break;
    }
  }
  const auto was = medium_->read(item.file, item.offset, item.covered);
  const auto is = medium.read(item.file, item.offset, item.covered);
  return was && is && !std::ranges::equal(*was, *is);
}

void History::plant_damage() {
  const std::vector<ItemNumber> candidates = checked_items(watch_);
  if (candidates.empty()) return;
  const auto fork = std::make_shared<SimulatedMedium>(*medium_);
  fork->faults = {};
  fork->capacity += 4 * settings_.options.segment_bytes;
  fork->settle(true);
  const ItemNumber victim = candidates[random_.below(candidates.size())];
  if (!damage(*fork, victim)) return;
  ++counts_.damages;

  // What was written after the report; then shared memory, where the lanes would end below what it
  // knows.
  bool witnessed = victim <= watch_.witnessed(*fork);
  for (std::size_t index = 0; index < lanes_.size() && shared_memory_; ++index) {
    Sequence end = 0;
    for (const auto& [number, contribution] : contributions_) {
      if (number >= victim) break;
      for (const Share& share : contribution.shares) {
        if (share.lane == index) end = std::max(end, share.to);
      }
    }
    witnessed |= end < lanes_[index].durable;
  }
  const ItemNumber proven = proven_durable(*fork);
  const SimulatedMedium damaged = *fork;
  const auto opened = open_on(fork);
  const std::string where =
      sentence("item {} of {} is damaged, {} are proven", victim, watch_.promised(), proven);
  if (witnessed) {
    if (opened) return broken(where + ": it is not noticed (check 3)");
    if (opened.error().code() != Errc::damaged) {
      return broken(sentence("{}: {} (check 3)", where, opened.error().sentence()));
    }
    if (!damaged.same_bytes(*fork)) broken(where + ": refused, and yet the disk was changed");
    return;
  }
  // A header may know of more than had been reported to us; that is welcome, and no duty.
  if (!opened && opened.error().code() == Errc::damaged && victim <= proven) return;
  ++counts_.damages_unwitnessed;
  if (!opened) return broken(sentence("{}: {} (check 3)", where, opened.error().sentence()));
  if (opened->recovery().end >= victim) broken(where + ": it is accepted (check 3)");
  // A write that never happened leaves nothing that could look torn.
  const WrittenItem& item = watch_.items().at(victim);
  const std::uint64_t block = damaged.facts.block_bytes;
  const auto is = damaged.read(item.file, item.offset, block);
  const bool untouched =
      is && !item.before.empty() && std::ranges::equal(*is, std::span(item.before).first(block));
  const auto told = contributions_.lower_bound(victim);
  const bool costs = told != contributions_.end() && told->first <= watch_.promised();
  if (!opened->recovery().window && costs && !untouched && !shared_memory_)
    broken(where + ": the report denies the window (check 3)");
}

}  // namespace millrace::sim
