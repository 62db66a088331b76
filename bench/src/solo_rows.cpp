#include "solo_rows.hpp"

#include "cost_rows.hpp"
#include "counted_rows.hpp"
#include "memory_rows.hpp"
#include "one_processor_rows.hpp"
#include "sleep_rows.hpp"
#include "total_rows.hpp"

#include <array>

namespace millrace::bench {

namespace {

constexpr std::array kRows = {
    SoloRow{"counted/round-trip-32", "allocations, system calls, page faults in a million", 0,
            "events", true, count_round_trip},
    SoloRow{"counted/stream-32", "the same, one publish a message", 0, "events", true,
            count_stream},
    SoloRow{"counted/stream-32x16", "the same, batches of 16", 0, "events", true, count_batches},
    SoloRow{"cost/publish", "claim, copy in 32 B, publish", -1, "instructions", false,
            cost_of_publish},
    SoloRow{"cost/send", "send 32 B", -1, "instructions", false, cost_of_send},
    SoloRow{"cost/batch", "a message of 32 B in a batch of 16", -1, "instructions", false,
            cost_of_batch},
    SoloRow{"cost/poll", "try_poll, copy out 32 B", -1, "instructions", false, cost_of_poll},
    SoloRow{"cost/poll-each", "poll_each, copy out 32 B", -1, "instructions", false, cost_of_each},
    SoloRow{"memory/channel", "shared memory of a channel", -1, "bytes", false, weigh_channel},
    SoloRow{"memory/lane", "shared memory of an idle lane, ring included", -1, "bytes", false,
            weigh_lane},
    SoloRow{"memory/reader", "shared memory of a reader", -1, "bytes", false, weigh_reader},
    SoloRow{"sleep/cost", "the barrier of a sleeper", -1, "ns", true, cost_to_sleep},
    SoloRow{"sleep/hole", "the hole it makes in a spinning publisher", -1, "ns", true,
            hole_in_publisher},
    SoloRow{"automatic/2", "a hop, 2 participants on one processor", -1, "ns", false,
            two_on_one_processor},
    SoloRow{"automatic/4", "a hop, 4 participants on one processor", -1, "ns", false,
            four_on_one_processor},
    SoloRow{"automatic/8", "a hop, 8 participants on one processor", -1, "ns", false,
            eight_on_one_processor},
    SoloRow{"total/1", "one order over lanes, 1 producer", -1, "M/s", true, nullptr,
            total_of<1, 1>},
    SoloRow{"total/2", "one order over lanes, 2 producers", -1, "M/s", true, nullptr,
            total_of<2, 1>},
    SoloRow{"total/2x16", "the same, batches of 16", -1, "M/s", true, nullptr, total_of<2, 16>},
    SoloRow{"total/4", "one order over lanes, 4 producers", -1, "M/s", true, nullptr,
            total_of<4, 1>},
    SoloRow{"total/8", "one order over lanes, 8 producers", -1, "M/s", true, nullptr,
            total_of<8, 1>},
};

Row row_for(const SoloRow& solo) {
  Row row;
  row.name = solo.name;
  row.text = solo.text;
  row.unit = solo.unit;
  row.state = "any";
  row.has_goal = solo.goal >= 0;
  row.goal = row.has_goal ? solo.goal : 0;
  return row;
}

}  // namespace

std::span<const SoloRow> solo_rows() noexcept {
  return kRows;
}

std::vector<Row> measure_solo(const std::vector<const SoloRow*>& wanted, const SoloPlan& plan) {
  std::vector<Row> rows;
  for (const SoloRow* const solo : wanted) {
    Row row = row_for(*solo);
    if (solo->two_processors && plan.cpus.size() < 2) {
      row.invalid = "needs two processors";
    } else if (solo->measure_placements != nullptr) {
      for (Row& one : solo->measure_placements(plan, row))
        rows.push_back(std::move(one));
      continue;
    } else {
      solo->measure(plan, row);
    }
    if (row.has_goal && row.invalid.empty()) row.met = row.value <= row.goal ? Met::yes : Met::no;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace millrace::bench
