#include "process/liar_ring.hpp"

#include "millrace/core/lane_layout.hpp"
#include "millrace/core/order_layout.hpp"
#include "process/liar_tricks.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace millrace::liar {

namespace {

constexpr auto kRingBegin = static_cast<off_t>(kPageBytes);

off_t place(std::uint64_t at) {
  return kRingBegin + static_cast<off_t>(at & ~std::uint64_t{7});
}

}  // namespace

void RingLies::lie(const Hand& own) {
  switch (values_.below(6)) {
    case 0: return copy_of_another(own);
    case 1: return all_of_a_kind(own);
    case 2: return noise(own);
    default: return header_beside_the_truth(own);
  }
}

// Words of other places and of other laps, blocks of others, and noise; mostly where the next word
// is to come.
void RingLies::lie_in_order(const Hand& order) {
  constexpr auto kWordsBegin = sizeof(layout::OrderFile);
  const std::uint64_t words = order.truth().size() / sizeof(std::uint64_t) - kWordsBegin / 8;
  const auto offset_of = [&](std::uint64_t at) {
    return static_cast<off_t>(kWordsBegin + at % words * sizeof(std::uint64_t));
  };
  std::uint64_t hint = 0;
  (void)!pread(order.fd(), &hint, sizeof hint, offsetof(layout::OrderFile, hint));
  for (std::uint64_t lies = values_.below(8); lies != 0; --lies) {
    const off_t at = offset_of(values_.once_in(4) ? values_.below(words) : hint + values_.below(9));
    std::uint64_t word = 0;
    const bool other = values_.once_in(3);
    (void)!pread(order.fd(), &word, sizeof word, other ? offset_of(hint - values_.below(64)) : at);
    switch (values_.below(4)) {
      case 0: word ^= std::uint64_t{1} << values_.below(64); break;
      case 1: word += values_.below(3) - 1; break;
      case 2: word = values_.lie(word); break;
      default: break;  // as it stood elsewhere
    }
    (void)!pwrite(order.fd(), &word, sizeof word, at);
  }
}

// Valid records, checkpoints and limit of another lane, where they stand there.
void RingLies::copy_of_another(const Hand& own) {
  const std::string path = channel_ + "/lane-" + std::to_string(values_.below(4));
  const Descriptor other(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!other.valid()) return;
  const auto bytes = bytes_of_file(other.get(), kPageBytes + ring_bytes_);
  if (bytes.size() <= kPageBytes) return;
  const std::size_t begin = values_.once_in(2) ? offsetof(layout::LaneControl, limit) : kPageBytes;
  (void)!pwrite(own.fd(), bytes.data() + begin, bytes.size() - begin, static_cast<off_t>(begin));
}

void RingLies::header_beside_the_truth(const Hand& own) {
  for (int tries = 0; tries < 64; ++tries) {
    const off_t at = place(values_.below(ring_bytes_));
    std::uint64_t word = 0;
    if (pread(own.fd(), &word, sizeof word, at) != sizeof word) return;
    auto header = layout::RecordHeader::of(word);
    if (header.type != RecordType::message || header.flags != 0) continue;
    switch (values_.below(6)) {
      case 0: header.length += static_cast<std::uint32_t>(values_.below(17)) - 8; break;
      case 1: header.length = static_cast<std::uint32_t>(values_.lie(ring_bytes_)); break;
      case 2:
        header.sequence = static_cast<std::uint8_t>(header.sequence + values_.below(3) - 1);
        break;
      case 3: header.type = static_cast<RecordType>(values_.below(16)); break;
      case 4: header.flags = static_cast<std::uint8_t>(values_.below(256)); break;
      default: header.key = static_cast<std::uint16_t>(values_.below(65'536));
    }
    header.length &= 0x0fff'ffff;
    word = header.word();
    (void)!pwrite(own.fd(), &word, sizeof word, at);
    return;
  }
}

// A ring full of one header, each with the next number: messages without end, of any length.
void RingLies::all_of_a_kind(const Hand& own) {
  const std::uint64_t first = values_.below(256);
  const auto type = static_cast<RecordType>(values_.below(16));
  const auto length = static_cast<std::uint32_t>(
      values_.once_in(2) ? values_.below(64) : values_.lie(ring_bytes_) & 0x0fff'ffff);
  std::uint64_t number = first;
  for (std::uint64_t at = 0; at < ring_bytes_; at += 8) {
    const layout::RecordHeader header{.length = length,
                                      .type = type,
                                      .sequence = static_cast<std::uint8_t>(number++),
                                      .flags = 0,
                                      .key = 0};
    const std::uint64_t word = header.word();
    (void)!pwrite(own.fd(), &word, sizeof word, place(at));
  }
}

void RingLies::noise(const Hand& own) {
  const std::uint64_t begin = values_.below(ring_bytes_);
  for (std::uint64_t at = begin; at < begin + 256 && at < ring_bytes_; at += 8) {
    const std::uint64_t word = values_.lie(at);
    (void)!pwrite(own.fd(), &word, sizeof word, place(at));
  }
}

}  // namespace millrace::liar
