// The directory of a journal: made, found, and what stands in it before anybody reads the log.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"
#include "millrace/persist/disk.hpp"

#include <optional>
#include <string>

namespace millrace {

struct JournalDirectory {
  Descriptor directory;
  bool has_journal = false;  // a manifest or a slot is there
  // Any of its files, opened for reading: for questions about the file system.
  Descriptor any_file;
  // How the newest manifest that can be read says its writes were made durable.
  std::optional<Durability> recorded;
};

// With `create` the directory is made, mode 0700, and its parent flushed: else a power cut could
// take the journal with its name. Errors: not_found, no_permission, system.
[[nodiscard]] Result<JournalDirectory> open_journal_directory(const std::string& path, bool create);

}  // namespace millrace
