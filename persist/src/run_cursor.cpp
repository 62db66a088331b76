#include "run_cursor.hpp"

#include <cstring>

namespace millrace {

std::optional<RunCursor::Record> RunCursor::next() noexcept {
  while (whole_ && bytes_.size() >= kHeaderBytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes_.data(), sizeof word);
    Record record{.header = layout::RecordHeader::of(word), .sequence = sequence_, .bytes = {}};
    const std::uint64_t whole = layout::record_bytes(record.header.length);
    if (record.header.type == RecordType::unwritten || whole > bytes_.size()) break;
    record.bytes = bytes_.subspan(kHeaderBytes, record.header.length);
    bytes_ = bytes_.subspan(whole);
    if (!layout::has_sequence(record.header.type)) continue;
    const bool fits =
        left_ != 0 && record.header.sequence == static_cast<std::uint8_t>(sequence_ & 0xff);
    if (!fits || (!layout::known(record.header) && !layout::may_skip(record.header.type))) break;
    ++sequence_;
    --left_;
    if (record.header.type == RecordType::message) return record;
  }
  whole_ = whole_ && bytes_.empty();
  return std::nullopt;
}

}  // namespace millrace
