// Evidence for the checks, drawn from restarts of a measured run.
#pragma once

#include "millrace/bench/curve_check.hpp"
#include "millrace/bench/harness_checks.hpp"
#include "millrace/bench/latency_checks.hpp"
#include "millrace/bench/profile_run.hpp"
#include "millrace/bench/throughput_checks.hpp"

#include <vector>

namespace millrace::bench {

// Bytes that a message of this length takes in a lane beside its payload: header and padding.
[[nodiscard]] std::uint64_t framing_of(std::uint32_t length) noexcept;

// `plan`: with the seed of that restart. Of bare words the position is what was sent.
[[nodiscard]] CountEvidence count_evidence(const LoadPlan& plan, const LoadEvidence& restart);

[[nodiscard]] RateEvidence rate_evidence(const LoadPlan& plan, const LoadEvidence& restart);

// Slices of load in this placement.
[[nodiscard]] CurveRestart curve_restart(const LoadEvidence& restart, const Placements& placements,
                                         std::size_t placement);

// All of them.
[[nodiscard]] JoinEvidence join_evidence(const LoadEvidence& restart);

// Each slice of load beside the still slice behind it; `of_still`: the still slices beside each
// other, the control.
[[nodiscard]] std::vector<AlibiBlock> alibi_blocks(std::span<const LoadEvidence> restarts,
                                                   bool of_still);

}  // namespace millrace::bench
