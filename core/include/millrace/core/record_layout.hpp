// A record is an 8-byte header, the payload, and padding to 8 bytes. The header is one word, and
// storing it is the commit:
//
//   bits    field     meaning
//   0-27    length    payload bytes, without header and padding
//   28-31   type      RecordType; 0 means "not written yet", so a committed low half is never zero
//                     and a reader can sleep on it
//   32-39   sequence  low byte of the message's sequence: catches stale headers and misparses
//   40-47   flags     RecordFlag; a set bit that is not known is a format error
//   48-63   key       the publisher's filter or ordering key
#pragma once

#include "millrace/core/limits.hpp"

#include <cstdint>

namespace millrace {

enum class RecordType : std::uint8_t {
  unwritten = 0,
  message = 1,
  pad = 2,      // space without a sequence
  aborted = 3,  // a claim that was given up: it keeps its sequence, and is never delivered
  control = 4,
  // 8-11 may be skipped by who does not know them (and are counted); 12-15 must be understood.
};

enum class RecordFlag : std::uint8_t {
  envelope = 1,
  conditional = 2,
  more = 4,
  reference = 8,
  stamped = 16,
  sealed = 32,
};

namespace layout {

struct RecordHeader {
  std::uint32_t length;  // 28 bits
  RecordType type;       // 4 bits
  std::uint8_t sequence;
  std::uint8_t flags;
  std::uint16_t key;

  [[nodiscard]] constexpr std::uint64_t word() const noexcept {
    return std::uint64_t{length} | std::uint64_t{static_cast<std::uint8_t>(type)} << 28 |
           std::uint64_t{sequence} << 32 | std::uint64_t{flags} << 40 | std::uint64_t{key} << 48;
  }

  [[nodiscard]] static constexpr RecordHeader of(std::uint64_t word) noexcept {
    return {.length = static_cast<std::uint32_t>(word & 0x0fff'ffff),
            .type = static_cast<RecordType>(word >> 28 & 0xf),
            .sequence = static_cast<std::uint8_t>(word >> 32),
            .flags = static_cast<std::uint8_t>(word >> 40),
            .key = static_cast<std::uint16_t>(word >> 48)};
  }
};

// Bytes a record takes in the ring.
constexpr std::uint64_t record_bytes(std::uint64_t length) noexcept {
  return (kHeaderBytes + length + kRecordAlign - 1) & ~(kRecordAlign - 1);
}

// Every type but pad takes a number.
constexpr bool has_sequence(RecordType type) noexcept {
  return type != RecordType::pad;
}

// Types 8-11 belong to a later version that allows older readers to pass over them.
constexpr bool may_skip(RecordType type) noexcept {
  return static_cast<std::uint8_t>(type) >= 8 && static_cast<std::uint8_t>(type) <= 11;
}

// Does a reader of this version know what to do with it? One with a flag set is of a later version.
constexpr bool known(RecordHeader header) noexcept {
  return header.flags == 0 &&
         (header.type == RecordType::message || header.type == RecordType::pad ||
          header.type == RecordType::aborted);
}

// Stands message `sequence` here, written whole, but as only a later version can read it?
constexpr bool of_a_later_version(RecordHeader header, std::uint64_t sequence) noexcept {
  return header.type != RecordType::unwritten && !known(header) &&
         header.sequence == (sequence & 0xff);
}

static_assert(
    RecordHeader{.length = 5, .type = RecordType::message, .sequence = 7, .flags = 0, .key = 0x1234}
        .word() == 0x1234'0007'1000'0005);
static_assert(record_bytes(0) == 8 && record_bytes(56) == 64 && record_bytes(57) == 72);

}  // namespace layout
}  // namespace millrace
