// What a raw medium proves, found without the log's own recovery: every block of every slot is
// tried as the beginning of an item. Slow, simple, and the measure of what recovery says.
#pragma once

#include "simulated_medium.hpp"

#include <millrace/persist/journal.hpp>
#include <millrace/persist/journal_records.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace millrace::sim {

// The manifest that counts. `certain`: only what no power cut can take away any more.
[[nodiscard]] std::optional<layout::Manifest> manifest_of(const SimulatedMedium& medium,
                                                          bool certain = false);

// The header of the item that begins with these bytes, if its checksum holds. The payload is not
// looked at.
[[nodiscard]] std::optional<layout::ItemHeader> header_of(std::span<const std::byte> bytes,
                                                          const layout::Manifest& manifest);

// Header, table, escapes and payload: what the two checksums cover. The rest is padding.
[[nodiscard]] std::uint64_t covered_bytes(const layout::ItemHeader& header) noexcept;

[[nodiscard]] bool payload_is_whole(std::span<const std::byte> bytes,
                                    const layout::ItemHeader& header) noexcept;

// The highest item that something readable proves to have been durable: the clean end, the lower
// bound, a later header's `durable`, or a number that was not allowed before it (E2 to E5).
[[nodiscard]] ItemNumber proven_durable(const SimulatedMedium& medium);

}  // namespace millrace::sim
