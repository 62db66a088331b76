// One run of all processes over one channel of its own: started, conducted, judged, gone.
#pragma once

#include "run_input.hpp"
#include "run_journal_place.hpp"
#include "run_options.hpp"
#include "run_result.hpp"

#include <optional>
#include <string>

namespace millrace::tools {

struct RunLegOutcome {
  // Nothing if the recorder was refused a journal that the user had not asked for; `refusal` then
  // says why.
  std::optional<RunResult> result;
  std::string refusal;
};

// `input`: null for telemetry. `place`: null for memory alone; else the channel is durable, and
// what the journal holds in the end is compared with what was published. Errors: whatever keeps it
// from beginning; nothing is left behind.
[[nodiscard]] Result<RunLegOutcome> run_leg(const RunOptions& options, const RunInput* input,
                                            const RunJournalPlace* place);

// What a message may carry beside its payload.
[[nodiscard]] std::size_t run_frame_bytes(const RunOptions& options) noexcept;

}  // namespace millrace::tools
