#include "channel_meta.hpp"

#include "millrace/core/order_layout.hpp"
#include "millrace/core/sampling.hpp"
#include "millrace/core/stamp_layout.hpp"
#include "millrace/core/unique_number.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace millrace::detail {

namespace {

void copy_text(char* to, std::size_t room, std::string_view text) {
  // Not memcpy: an empty text has no address, and that would be undefined even for 0 bytes.
  const std::size_t length = std::min(room - 1, text.size());
  std::copy_n(text.data(), length, to);
  to[length] = '\0';
}

bool zero_terminated(const char* text, std::size_t room) {
  return std::memchr(text, '\0', room) != nullptr;
}

// Walks the tag area. This version knows no tag: critical ones refuse the channel.
bool tags_are_harmless(const std::uint8_t* area) {
  for (std::size_t at = 0; at + sizeof(layout::Tag) <= layout::kTagAreaBytes;) {
    layout::Tag tag{};
    std::memcpy(&tag, area + at, sizeof tag);
    if (tag.tag == 0) return true;
    if ((tag.flags & layout::kTagCritical) != 0) return false;
    if (tag.length > layout::kTagAreaBytes) return false;
    at += sizeof tag + (tag.length + 7) / 8 * 8;
  }
  return true;
}

bool in_range(const layout::MetaFile& file) {
  return std::has_single_bit(file.ring_bytes) && file.ring_bytes >= kRingBytesMin &&
         file.ring_bytes <= kRingBytesMax && file.lanes_max >= 1 && file.lanes_max <= kLanesMax &&
         (file.order == 0 ||
          layout::order_words(file.lanes_max, file.ring_bytes) <= layout::kOrderWordsMax) &&
         file.policy <= 2 && file.page_kind <= 1 && file.placement_kind <= 4 && file.lock <= 1 &&
         file.prefault <= 1 && file.require_readers <= 1 && (file.mode & ~0777U) == 0 &&
         (file.page_kind == 0 || file.ring_bytes % kHugePageBytes == 0) &&
         zero_terminated(file.schema_name, sizeof file.schema_name) &&
         zero_terminated(file.huge_dir, sizeof file.huge_dir);
}

bool durably_in_range(const layout::MetaFile& file) {
  if (file.durable > 1 || file.when_journal_fails > 1) return false;
  if (file.durable != 0 && file.order != 0) return false;
  if (!zero_terminated(file.journal, sizeof file.journal)) return false;
  return file.durable == 0 ? file.journal[0] == '\0' : file.journal[0] == '/';
}

bool stamps_in_range(const layout::MetaFile& file) {
  return file.stamps <= 2 && std::has_single_bit(file.stamp_every) &&
         file.stamp_every <= std::uint32_t{1} << Sampling::kShiftMax &&
         std::has_single_bit(file.stamp_records) &&
         file.stamp_records >= layout::kStampRecordsMin &&
         file.stamp_records <= layout::kStampRecordsMax;
}

}  // namespace

void write_meta(layout::MetaFile& file, const ChannelOptions& options, const Schema& schema) {
  const Uuid uuid = random_uuid();
  std::memcpy(file.uuid, uuid.data(), sizeof file.uuid);
  file.kind = static_cast<std::uint32_t>(layout::ChannelKind::stream);
  file.order = static_cast<std::uint32_t>(options.order);
  file.policy = static_cast<std::uint32_t>(options.policy);
  file.lanes_max = options.lanes_max;
  file.ring_bytes = options.ring_bytes;
  file.page_kind = static_cast<std::uint32_t>(options.pages);
  file.placement_kind = static_cast<std::uint32_t>(options.placement.kind);
  file.placement_node = options.placement.node;
  file.lock = options.lock ? 1 : 0;
  file.prefault = options.prefault ? 1 : 0;
  file.require_readers = options.require_readers ? 1 : 0;
  file.mode = options.mode;
  file.group = options.group;
  file.durable = options.durable ? 1 : 0;
  file.when_journal_fails = static_cast<std::uint32_t>(options.when_journal_fails);
  file.stamps = static_cast<std::uint32_t>(options.stamps);
  file.stamp_every = options.stamp_every;
  file.stamp_records = options.stamp_records;
  copy_text(file.journal, sizeof file.journal, options.journal);
  file.schema = schema.fingerprint;
  copy_text(file.schema_name, sizeof file.schema_name, schema.name);
  copy_text(file.huge_dir, sizeof file.huge_dir, options.huge_dir);
}

Result<ChannelOptions> read_meta(const layout::MetaFile& copy, const char* channel) {
  if (copy.kind != static_cast<std::uint32_t>(layout::ChannelKind::stream) || copy.order > 1) {
    return fail(Errc::format,
                "channel \"%s\" is of a kind this version does not know (kind %u, order %u); use "
                "the version that created it",
                channel, copy.kind, copy.order);
  }
  if (!in_range(copy) || !durably_in_range(copy) || !stamps_in_range(copy)) {
    return fail(Errc::format, "channel \"%s\" has a damaged description (%s/meta); remove it",
                channel, channel);
  }
  if (!tags_are_harmless(copy.tags)) {
    return fail(Errc::format,
                "channel \"%s\" uses something this version must understand and does not; use the "
                "version that created it",
                channel);
  }
  ChannelOptions options;
  options.ring_bytes = copy.ring_bytes;
  options.order = static_cast<Order>(copy.order);
  options.policy = static_cast<Policy>(copy.policy);
  options.lanes_max = copy.lanes_max;
  options.pages = static_cast<Pages>(copy.page_kind);
  options.huge_dir = copy.huge_dir;
  options.placement = {static_cast<Placement::Kind>(copy.placement_kind), copy.placement_node};
  options.lock = copy.lock != 0;
  options.prefault = copy.prefault != 0;
  options.require_readers = copy.require_readers != 0;
  options.mode = copy.mode;
  options.group = copy.group;
  options.durable = copy.durable != 0;
  options.journal = copy.journal;
  options.when_journal_fails = static_cast<WhenJournalFails>(copy.when_journal_fails);
  options.stamps = static_cast<Stamps>(copy.stamps);
  options.stamp_every = copy.stamp_every;
  options.stamp_records = copy.stamp_records;
  return options;
}

}  // namespace millrace::detail
