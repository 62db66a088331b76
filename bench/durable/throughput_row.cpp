#include "durable_rows.hpp"
#include "fio.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/record_layout.hpp"
#include "millrace/persist/journal.hpp"
#include "scratch_place.hpp"

#include <cstring>

namespace millrace::bench {

namespace {

constexpr std::uint32_t kDepth = 4;
constexpr std::size_t kMessageBytes = 1016;  // with its header 1 KiB

// A log that keeps this much recycles its slots, as one that has run for a day does; before that it
// would also be measured how fast slots are prepared.
constexpr std::uint64_t kKept = std::uint64_t{256} << 20;
constexpr std::uint64_t kNeverNs = ~std::uint64_t{0};

// Whole records, ready to be copied, as a ring would hold them.
std::vector<std::byte> make_records(std::size_t bytes) {
  const std::size_t record = layout::record_bytes(kMessageBytes);
  std::vector<std::byte> records(bytes / record * record);
  for (std::size_t at = 0; at < records.size(); at += record) {
    const std::uint64_t word = layout::RecordHeader{.length = kMessageBytes,
                                                    .type = RecordType::message,
                                                    .sequence = 0,
                                                    .flags = 0,
                                                    .key = 0}
                                   .word();
    std::memset(records.data() + at, static_cast<int>(at / record * 7 + 1), record);
    std::memcpy(records.data() + at, &word, sizeof word);
  }
  return records;
}

// The low byte of each record's sequence is checked by every reader of the log.
void number(std::span<std::byte> records, Sequence first) {
  const std::size_t record = layout::record_bytes(kMessageBytes);
  for (std::size_t at = 0; at < records.size(); at += record) {
    records[at + 4] = static_cast<std::byte>(first + at / record);
  }
}

// Fills items and keeps the log's depth full, until so many bytes are written or the time is up.
Result<void> pour(Journal& journal, JournalLaneId lane, std::span<const std::byte> records,
                  Sequence& next, std::uint64_t until_bytes, std::uint64_t until_ns) {
  const std::size_t record = layout::record_bytes(kMessageBytes);
  while (next * record < until_bytes && monotonic_ns() < until_ns) {
    // The next item is made while the ones before it are on their way.
    const std::span<std::byte> room = journal.room(records.size());
    const std::size_t count = room.size() / record;
    if (count != 0) {
      std::memcpy(room.data(), records.data(), count * record);
      number(room.first(count * record), next);
      journal.add_run(lane, next, static_cast<std::uint32_t>(count), count * record);
      next += count;
    }
    while (!journal.may_submit()) {
      if (auto polled = journal.poll(std::chrono::seconds(1)); !polled) return polled;
    }
    if (auto item = journal.submit(); !item) {
      if (item.error().code() != Errc::full) return Failure(item.error());
      if (auto polled = journal.poll(std::chrono::milliseconds(1)); !polled) return polled;
    }
  }
  return {};
}

Result<Run> run_journal(const DurableOptions& options, std::uint64_t item_bytes, Durability mode) {
  const ScratchPlace place(options.directory);
  JournalOptions opening;
  opening.directory = place.path() + "/journal";
  opening.depth = kDepth;
  opening.durability = mode;
  opening.item_bytes = item_bytes;
  opening.retain.bytes = kKept;
  auto journal = Journal::open(opening);
  if (!journal) return Failure(journal.error());
  const auto lane = journal->lane(random_uuid(), "bench", "bench", 1, 0);
  if (!lane) return Failure(lane.error());
  const std::vector<std::byte> records = make_records(item_bytes);
  Sequence next = 0;
  if (auto warm = pour(*journal, *lane, records, next, 2 * kKept, kNeverNs); !warm) {
    return Failure(warm.error());
  }
  const JournalStats before = journal->stats();
  const std::uint64_t began = monotonic_ns();
  const auto length = static_cast<std::uint64_t>(options.seconds * 1e9);
  if (auto poured = pour(*journal, *lane, records, next, kNeverNs, began + length); !poured) {
    return Failure(poured.error());
  }
  const JournalStats stats = journal->stats();
  const double seconds = static_cast<double>(monotonic_ns() - began) * 1e-9;
  const auto written = static_cast<double>(stats.written_bytes - before.written_bytes);
  const auto payload = static_cast<double>(stats.payload_bytes - before.payload_bytes);
  return Run{.value = written / seconds / 1e6,
             .more = {payload / seconds / 1e6, static_cast<double>(stats.write_ns_p50) * 1e-3,
                      static_cast<double>(stats.write_ns_p99) * 1e-3}};
}

Result<Run> run_device(const DurableOptions& options, std::uint64_t block, bool durable) {
  const auto fio = run_fio({.directory = options.directory,
                            .durable = durable,
                            .block_bytes = block,
                            .depth = kDepth,
                            .seconds = options.seconds});
  if (!fio) return Failure(fio.error());
  return Run{.value = fio->bytes_per_second / 1e6,
             .more = {fio->bytes_per_second / 1e6, fio->p50_ns * 1e-3, fio->p99_ns * 1e-3}};
}

}  // namespace

Row throughput_row(const DurableOptions& options, std::uint64_t item_bytes) {
  const std::string size = std::to_string(item_bytes >> 10) + " KiB";
  const auto device = [=](bool durable) {
    return [=] { return run_device(options, item_bytes, durable); };
  };
  return {.name = "throughput/" + std::to_string(item_bytes),
          .unit = "MB/s on the disk",
          .what = "items of " + size + " with messages of 1 KiB, 4 in flight, each durable",
          .more = {"payload MB/s", "write p50 us", "write p99 us"},
          .better = Better::higher,
          .goal = 0.95,
          .entrants = {{"millrace journal, O_DSYNC",
                        [=] { return run_journal(options, item_bytes, Durability::dsync); }, ""},
                       {"fio, O_DSYNC, " + size + ", depth 4", device(true), why_no_fio()},
                       {"millrace journal, flushes",
                        [=] { return run_journal(options, item_bytes, Durability::flush); }, ""},
                       {"fio, not durable", device(false), why_no_fio()}}};
}

Row noise_row(const DurableOptions& options) {
  const auto device = [=] { return run_device(options, std::uint64_t{256} << 10, true); };
  return {.name = "noise",
          .unit = "MB/s on the disk",
          .what = "fio against fio: the interval that no other row can beat",
          .more = {"payload MB/s", "write p50 us", "write p99 us"},
          .better = Better::higher,
          .goal = 0,
          .entrants = {{"fio, O_DSYNC, 256 KiB, depth 4", device, why_no_fio()},
                       {"the same again", device, why_no_fio()}}};
}

}  // namespace millrace::bench
