#include "row.hpp"

#include <array>

namespace millrace::rivals {

namespace {

constexpr std::array kRows = {
    RowInfo{"round-trip/32", OrderKind::round_trip, 32, 1, "there and back, against bare words"},
    RowInfo{"stream/32", OrderKind::stream, 32, 1, "messages a second, against Millrace"},
    RowInfo{"stream/1024", OrderKind::stream, 1024, 1, "the same, 1 KiB"},
    RowInfo{"stream/65536", OrderKind::stream, 65536, 1, "the same, 64 KiB"},
    RowInfo{"fan-out/1", OrderKind::fan_out, 32, 1, "one publisher, 1 receiver"},
    RowInfo{"fan-out/8", OrderKind::fan_out, 32, 8, "one publisher, 8 receivers"},
    RowInfo{"fan-out/64", OrderKind::fan_out, 32, 64, "one publisher, 64 receivers"},
    RowInfo{"wake", OrderKind::wake, 32, 1, "send to a sleeping receiver, against a bare futex"},
    RowInfo{"kill/producer", OrderKind::publish, 32, 1, "kill -9 of one of two producers"},
    RowInfo{"kill/consumer", OrderKind::consume, 32, 2, "kill -9 of one of two consumers"},
};

}  // namespace

std::span<const RowInfo> row_list() noexcept {
  return kRows;
}

bool takes_part(const RivalInfo& rival, const RowInfo& row) noexcept {
  if (row.kind == OrderKind::round_trip) return true;
  if (row.kind == OrderKind::wake) return has(rival.can, Can::wake);
  if (rival.is_null) return false;
  if (row.is_kill()) return has(rival.can, Can::kill);
  return row.kind == OrderKind::stream || has(rival.can, Can::fan_out);
}

}  // namespace millrace::rivals
