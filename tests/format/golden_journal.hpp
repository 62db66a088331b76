// A journal with fixed contents, as files: the newest manifest and two segments, one full, one that
// still grows. Made without the log's writer, so that a change of it does not move these bytes.
#pragma once

#include "hand_made_log.hpp"
#include "hex_text.hpp"

#include <string>
#include <vector>

namespace millrace::format_test {

struct JournalFile {
  std::string name;  // golden/NAME.hex
  Disk::File file = 0;
  Bytes bytes;  // of a slot: as far as it was written
};

[[nodiscard]] std::vector<JournalFile> golden_journal();

// The journal of the example in persist/FORMAT.md, the first three items of its only segment.
[[nodiscard]] Bytes example_segment();

// What the readers of this program make of such files; empty: all that was meant.
[[nodiscard]] std::string complaint_about(const std::vector<JournalFile>& files);

}  // namespace millrace::format_test
