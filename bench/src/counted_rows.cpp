#include "counted_rows.hpp"

#include "allocation_count.hpp"
#include "counted_run.hpp"
#include "grounds.hpp"

#include <filesystem>

namespace millrace::bench {

namespace {

// One run counts all three; the first row that asks makes it.
const Counted& counted(const SoloPlan& plan) {
  static const Counted once = [&plan] {
    Counted failed;
    const std::string domain = plan.directory + "/counted";
    auto grounds = Grounds::make(domain);
    if (!grounds) {
      failed.refused = std::string(grounds.error().sentence());
      return failed;
    }
    Counted made = count_costs(*grounds, {plan.counted, plan.cpus[0], plan.cpus[1], plan.pinned});
    std::error_code ignored;
    std::filesystem::remove_all(domain, ignored);
    return made;
  }();
  return once;
}

void fill(const SoloPlan& plan, Row& row, Subject subject) {
  const Counted& all = counted(plan);
  row.invalid = all.refused;
  if (!row.invalid.empty()) return;
  if (!all.control_ok) {
    row.invalid = "the control row, with 100 of each on purpose, was counted wrongly";
    return;
  }
  for (const CountedRow& one : all.rows) {
    if (one.subject != subject) continue;
    // Death checks are told apart: they happen when the host stops the reader's processor. So are
    // page faults: the kernel may take a page away from anybody.
    row.value = static_cast<double>(one.allocations + one.system_calls - one.death_checks);
    row.more = {{"messages", static_cast<double>(one.messages)},
                {"allocations", static_cast<double>(one.allocations)},
                {"system_calls", static_cast<double>(one.system_calls)},
                {"of_these_in_death_checks", static_cast<double>(one.death_checks)},
                {"page_faults", static_cast<double>(one.page_faults)}};
  }
  if (!allocations_counted()) row.marks.emplace_back("allocations are not counted in this build");
}

}  // namespace

void count_round_trip(const SoloPlan& plan, Row& row) {
  fill(plan, row, Subject::round_trip_32);
}

void count_stream(const SoloPlan& plan, Row& row) {
  fill(plan, row, Subject::stream);
}

void count_batches(const SoloPlan& plan, Row& row) {
  fill(plan, row, Subject::stream_batch);
}

}  // namespace millrace::bench
