// What verbs that open a journal may say about it, and the wait for one that somebody else holds.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/device_facts.hpp"
#include "millrace/persist/journal.hpp"

#include <CLI/App.hpp>
#include <functional>
#include <string>

namespace millrace::tools {

// --journal DIR, required.
void add_journal_option(CLI::App& verb, std::string& directory, bool required = true);

// --retain, --segment, --depth, --compress, --volatile, --trust-fs.
void add_journal_options(CLI::App& verb, JournalOptions& options);

// The absolute path, with `.` and `..` taken out: what a channel remembers must mean the same to
// every process. Error bad_argument: an empty or overlong path.
[[nodiscard]] Result<std::string> absolute_journal(const std::string& directory);

// What can be refused before anything is made. REQUIRES an absolute directory.
[[nodiscard]] Result<void> check_journal_options(const JournalOptions& options);

// What will be kept, with the default as a number.
[[nodiscard]] Retention effective_retention(const JournalOptions& options);

// Calls `open` again and again while the journal is busy, saying once on stderr whom it waits for,
// until it succeeds, fails in another way, or the end is requested (then Errc::closed). Without
// `wait` only a holder that is gone is waited for: its last writes are on their way to the disk.
[[nodiscard]] Result<void> wait_while_busy(const std::string& directory, bool wait,
                                           const std::function<Result<void>()>& open);

// "recovered 12 segments in 31 ms; cut 8192 bytes of a torn end that nobody had been told of":
// one line a fact, without newline at the end.
[[nodiscard]] std::string describe(const RecoveryReport& recovery);

// "ext4, io_uring, blocks of 4 KiB, each write durable by itself (O_DIRECT, RWF_DSYNC)".
[[nodiscard]] std::string describe(const DiskFacts& disk);

// "vda (254:0), write cache write back, FUA yes, physical block 512 B, interrupts on CPU 1".
[[nodiscard]] std::string describe(const DeviceFacts& device);

}  // namespace millrace::tools
