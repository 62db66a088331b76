// Where a run's journal lies: in the directory that the user named, which is kept, or in a fresh
// one of its own that is gone when the run is over.
//
// One thread.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/journal.hpp"
#include "run_options.hpp"

#include <cstdint>
#include <string>

namespace millrace::tools {

class RunJournalPlace {
 public:
  // As `options` say: kept or fresh. Errors: what is wrong with the user's directory; for a fresh
  // one unsupported, if no file system here can be believed (the sentence says which were asked).
  [[nodiscard]] static Result<RunJournalPlace> find(const RunOptions& options);

  RunJournalPlace(RunJournalPlace&& other) noexcept;
  RunJournalPlace& operator=(RunJournalPlace&&) = delete;

  // Removes a fresh directory. REQUIRES that nobody writes to it any more.
  ~RunJournalPlace();

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

  [[nodiscard]] bool kept() const noexcept { return kept_; }

 private:
  RunJournalPlace(std::string directory, bool kept, std::string base) noexcept
      : directory_(std::move(directory)), kept_(kept), base_(std::move(base)) {}

  std::string directory_;
  bool kept_;
  std::string base_;  // not the user's choice: goes too if nothing else is in it
};

// How the recorder of a run opens it. `payload_bytes` and `messages`: what will be published, 0 if
// nobody can tell; nothing of it, and of what was there before, is dropped.
[[nodiscard]] JournalOptions run_journal_options(const RunOptions& options,
                                                 const RunJournalPlace& place,
                                                 std::uint64_t payload_bytes,
                                                 std::uint64_t messages);

}  // namespace millrace::tools
