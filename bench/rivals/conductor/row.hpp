// The rows: what is asked of every rival that has it.
#pragma once

#include "rival_list.hpp"
#include "rival_page_layout.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace millrace::rivals {

struct RowInfo {
  std::string_view name;
  OrderKind kind;
  std::size_t bytes;
  std::size_t receivers;  // fan-out: in one process, polled in turn
  std::string_view says;

  [[nodiscard]] bool is_kill() const noexcept {
    return kind == OrderKind::publish || kind == OrderKind::consume;
  }

  // Streams and fan-out are paired with Millrace's own in the adjacent slices, because bare says
  // nothing about the level of a stream; the others with bare words.
  [[nodiscard]] bool is_rate() const noexcept {
    return kind == OrderKind::stream || kind == OrderKind::fan_out;
  }
};

[[nodiscard]] std::span<const RowInfo> row_list() noexcept;

// Whether a rival has this row.
[[nodiscard]] bool takes_part(const RivalInfo& rival, const RowInfo& row) noexcept;

}  // namespace millrace::rivals
