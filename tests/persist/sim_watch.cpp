#include "sim_watch.hpp"

#include <algorithm>

namespace millrace::sim {

void LogWatch::overwrite(Disk::File file, std::uint64_t offset, std::uint64_t bytes) {
  const auto hit = [&](const WrittenItem& item) {
    return item.file == file && item.offset < offset + bytes && offset < item.offset + item.bytes;
  };
  std::optional<std::uint64_t> first_live;
  const auto needed = [&](const WrittenItem& item) {
    if (!first_live) {
      const auto manifest = manifest_of(*medium_, true);
      first_live = manifest ? manifest->first_live : 0;
    }
    return item.segment >= *first_live;
  };
  // They stay known: a write that never lands leaves them where they are.
  for (const auto& [number, item] : older_) {
    if (hit(item) && !needed(item)) let_go_.insert(number);
  }
  std::erase_if(items_, [&](const auto& entry) {
    const auto& [number, item] = entry;
    if (!hit(item)) return false;
    if (!needed(item)) {
      let_go_.insert(number);
    } else if (number <= promised_ && !may_withdraw_ && objection_.empty()) {
      objection_ = "item " + std::to_string(number) + " of live segment " +
                   std::to_string(item.segment) + " is overwritten in slot " +
                   std::to_string(file) + " (check 8)";
    }
    older_.emplace(number, item);
    return true;
  });
}

void LogWatch::see(Disk::File file, std::uint64_t offset, std::uint64_t bytes,
                   std::span<const std::byte> content) {
  if (file >= Disk::kManifestA) return;
  const auto manifest = manifest_of(*medium_);
  const auto header = manifest ? header_of(content, *manifest) : std::nullopt;
  // A segment with nothing but its head may be begun anew: nobody's report rests on that head.
  const auto last = items_.find(promised_);
  const auto is_head = [](auto kind) { return kind == layout::ItemKind::segment; };
  if (header && header->item == promised_ && is_head(static_cast<layout::ItemKind>(header->kind)) &&
      last != items_.end() && is_head(last->second.kind)) {
    --promised_;
  }
  if (may_withdraw_ && header && header->item != 0) withdraw(header->item - 1);
  overwrite(file, offset, bytes);
  if (!header || header->item == 0) return;
  if (header->item <= promised_ && objection_.empty()) {
    objection_ = "item number " + std::to_string(header->item) + " is used a second time (check 5)";
  }
  WrittenItem item{.file = file,
                   .offset = offset,
                   .bytes = bytes,
                   .covered = covered_bytes(*header),
                   .segment = header->segment,
                   .kind = static_cast<layout::ItemKind>(header->kind),
                   .witness = promised_,
                   .before = {}};
  if (const auto before = medium_->read(file, offset, bytes)) {
    item.before.assign(before->begin(), before->end());
  }
  if (const auto found = items_.find(header->item); found != items_.end()) {
    older_.emplace(found->first, std::move(found->second));
  }
  if (segments_.contains(header->item)) again_.insert(header->item);
  segments_[header->item] = item.segment;
  items_.insert_or_assign(header->item, std::move(item));
}

bool LogWatch::stands(ItemNumber number, const WrittenItem& item) const {
  const auto manifest = manifest_of(*medium_);
  const auto bytes = medium_->read(item.file, item.offset, item.bytes);
  if (!manifest || !bytes || !medium_->certain(item.file, item.offset, item.bytes)) return false;
  const auto header = header_of(*bytes, *manifest);
  return header && header->item == number && header->segment == item.segment &&
         payload_is_whole(*bytes, *header);
}

bool LogWatch::find_older(ItemNumber number) {
  const auto [begin, end] = older_.equal_range(number);
  for (auto one = begin; one != end; ++one) {
    if (!stands(number, one->second)) continue;
    segments_[number] = one->second.segment;
    items_.insert_or_assign(number, one->second);
    return true;
  }
  return false;
}

std::string LogWatch::promise(ItemNumber number, ItemNumber recovered) {
  for (ItemNumber n = promised_ + 1; n <= number; ++n) {
    const auto found = items_.find(n);
    if (found != items_.end() && stands(n, found->second)) continue;
    if (let_go_.contains(n) || (n <= recovered && find_older(n))) continue;
    if (found == items_.end()) return "item " + std::to_string(n) + " was never written (check 6)";
    return "item " + std::to_string(n) + " was reported but a power cut can take it (check 6)";
  }
  promised_ = std::max(promised_, number);
  return {};
}

void LogWatch::cut(ItemNumber end) {
  items_.erase(items_.upper_bound(end), items_.end());
  older_.erase(older_.upper_bound(end), older_.end());
  let_go_.clear();
}

ItemNumber LogWatch::witnessed(const SimulatedMedium& medium) const {
  const auto manifest = manifest_of(medium);
  if (!manifest) return 0;
  ItemNumber highest = 0;
  for (const auto& [number, item] : items_) {
    const auto bytes = medium.read(item.file, item.offset, medium.facts.block_bytes);
    const auto header = bytes ? header_of(*bytes, *manifest) : std::nullopt;
    if (header && header->item == number && header->offset == item.offset) {
      highest = std::max(highest, item.witness);
    }
  }
  return highest;
}

std::vector<ItemNumber> LogWatch::live() const {
  std::vector<ItemNumber> numbers;
  const auto manifest = manifest_of(*medium_);
  for (const auto& [number, item] : items_) {
    if (number <= promised_ && manifest && item.segment >= manifest->first_live) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

}  // namespace millrace::sim
