#include "channel_run.hpp"
#include "durable_rows.hpp"
#include "fio.hpp"
#include "scratch_place.hpp"

namespace millrace::bench {

namespace {

Result<Run> run_once(const DurableOptions& options, bool recorded, bool durable) {
  const ScratchPlace place(options.directory);
  const auto figures = run_channel({.directory = place.path(),
                                    .seconds = options.seconds,
                                    .recorded = recorded,
                                    .durable = durable});
  if (!figures) return Failure(figures.error());
  return Run{.value = figures->p50_ns * 1e-3,
             .more = {figures->p99_ns * 1e-3, figures->device_p50_ns * 1e-3,
                      figures->device_p99_ns * 1e-3}};
}

Result<Run> run_device(const DurableOptions& options) {
  const auto fio = run_fio({.directory = options.directory, .seconds = options.seconds});
  if (!fio) return Failure(fio.error());
  return Run{.value = fio->p50_ns * 1e-3,
             .more = {fio->p99_ns * 1e-3, fio->p50_ns * 1e-3, fio->p99_ns * 1e-3}};
}

}  // namespace

Row latency_row(const DurableOptions& options) {
  return {.name = "latency/100k",
          .unit = "us, p50",
          .what = "100,000 messages of 256 B a second, intended time → durable and handled",
          .more = {"p99 us", "write p50 us", "write p99 us"},
          .better = Better::lower,
          .goal = 2,
          .entrants = {
              {"millrace, durable subscriber", [=] { return run_once(options, true, true); }, ""},
              {"fio, O_DSYNC, 4 KiB, depth 1", [=] { return run_device(options); }, why_no_fio()}}};
}

Row visible_row(const DurableOptions& options) {
  return {.name = "visible/100k",
          .unit = "us, p50",
          .what =
              "100,000 messages of 256 B a second, intended time → handler, not waiting for "
              "the disk",
          .more = {"p99 us", "write p50 us", "write p99 us"},
          .better = Better::lower,
          .goal = 0,
          .entrants = {{"recorded", [=] { return run_once(options, true, false); }, ""},
                       {"not recorded", [=] { return run_once(options, false, false); }, ""}}};
}

}  // namespace millrace::bench
