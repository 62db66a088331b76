#include "sim_watch.hpp"

#include <algorithm>

namespace millrace::sim {

void LogWatch::overwrite(Disk::File file, std::uint64_t offset, std::uint64_t bytes) {
  std::optional<std::uint64_t> first_live;
  std::erase_if(items_, [&](const auto& entry) {
    const auto& [number, item] = entry;
    if (item.file != file || item.offset >= offset + bytes || offset >= item.offset + item.bytes) {
      return false;
    }
    if (number > promised_) return true;
    if (!first_live) {
      const auto manifest = manifest_of(*medium_, true);
      first_live = manifest ? manifest->first_live : 0;
    }
    if (item.segment >= *first_live && objection_.empty()) {
      objection_ = "item " + std::to_string(number) + " of live segment " +
                   std::to_string(item.segment) + " is overwritten in slot " +
                   std::to_string(file) + " (check 8)";
    }
    return true;
  });
}

void LogWatch::see(Disk::File file, std::uint64_t offset, std::uint64_t bytes,
                   std::span<const std::byte> content) {
  if (file >= Disk::kManifestA) return;
  overwrite(file, offset, bytes);
  const auto manifest = manifest_of(*medium_);
  const auto header = manifest ? header_of(content, *manifest) : std::nullopt;
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
                   .before = {}};
  if (const auto before = medium_->read(file, offset, bytes)) {
    item.before.assign(before->begin(), before->end());
  }
  items_.insert_or_assign(header->item, std::move(item));
}

std::string LogWatch::promise(ItemNumber number) {
  for (ItemNumber n = promised_ + 1; n <= number; ++n) {
    const auto found = items_.find(n);
    if (found == items_.end()) return "item " + std::to_string(n) + " was never written (check 6)";
    if (!medium_->certain(found->second.file, found->second.offset, found->second.bytes)) {
      return "item " + std::to_string(n) + " was reported but a power cut can take it (check 6)";
    }
  }
  promised_ = std::max(promised_, number);
  return {};
}

void LogWatch::cut(ItemNumber end) {
  items_.erase(items_.upper_bound(end), items_.end());
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
