#include "durable_rows.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/histogram.hpp"
#include "scratch_place.hpp"
#include "store.hpp"

#include <array>

namespace millrace::bench {

namespace {

constexpr std::size_t kMessageBytes = 256;
constexpr int kWarmUp = 50;  // commits that are not timed

Result<Run> run_store(const StoreKind& kind, const DurableOptions& options, std::size_t group) {
  const ScratchPlace place(options.directory);
  auto store = kind.make(place.path());
  if (!store) return Failure(store.error());
  std::array<std::byte, kMessageBytes> message{};
  for (std::size_t i = 0; i < message.size(); ++i)
    message[i] = static_cast<std::byte>(i * 31);
  for (int i = 0; i < kWarmUp; ++i) {
    if (auto done = (*store)->commit(message, group); !done) return Failure(done.error());
  }
  auto bytes = std::make_unique<layout::HistogramBytes>();
  Histogram latencies(*bytes);
  const std::uint64_t began = monotonic_ns();
  const auto length = static_cast<std::uint64_t>(options.seconds * 1e9);
  std::uint64_t commits = 0;
  std::uint64_t now = began;
  while (now - began < length) {
    if (auto done = (*store)->commit(message, group); !done) return Failure(done.error());
    const std::uint64_t after = monotonic_ns();
    latencies.record(after - now);
    now = after;
    ++commits;
  }
  const double seconds = static_cast<double>(now - began) * 1e-9;
  return Run{.value = static_cast<double>(commits * group) / seconds,
             .more = {static_cast<double>(latencies.percentile_ns(50)) * 1e-3,
                      static_cast<double>(latencies.percentile_ns(99)) * 1e-3}};
}

}  // namespace

Row commit_row(const DurableOptions& options, std::size_t group) {
  Row row{.name = "commit/" + std::to_string(group),
          .unit = "messages/s",
          .what = "groups of " + std::to_string(group) +
                  " messages of 256 B, each group durable before the next one",
          .more = {"group p50 us", "group p99 us"},
          .better = Better::higher,
          .goal = 1};
  for (const StoreKind& kind : {journal_kind(), rocksdb_kind(), sqlite_kind(), lmdb_kind()}) {
    row.entrants.push_back({.name = kind.name,
                            .run = [=] { return run_store(kind, options, group); },
                            .absent = kind.absent});
  }
  return row;
}

}  // namespace millrace::bench
