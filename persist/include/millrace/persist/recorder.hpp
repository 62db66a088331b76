// Journals channels into one log. For a durable channel it is the authority: ring space is freed at
// the durable point, durable subscribers wait for it. Of any other channel it is a plain subscriber
// that writes down what it missed and promises nothing.
//
//   auto recorder = Recorder::open(domain, {.directory = "/var/lib/orders"}, {"orders", "trades"});
//   recorder->run(stop);     // blocks; one thread
//
// A recorder that dies at any moment is replaced by the next one, with nothing lost or written
// twice: the lock of the log says when, shared memory and the log say from where.
//
// Thread rules: one thread, the one that opened it; stats() from any.
#pragma once

#include "millrace/core/histogram.hpp"
#include "millrace/persist/journal.hpp"
#include "millrace/transport/domain.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace millrace {

struct RecorderStats {
  JournalStats journal;
  std::uint64_t messages = 0;  // that are durable, since it was opened
  std::uint64_t bytes = 0;
  std::uint64_t gaps = 0;  // messages it could not journal
  std::uint64_t lanes = 0;
  std::uint64_t wakes = 0;  // times it slept for arrivals
  std::uint64_t acknowledgements = 0;

  // Why lanes are not journaled, a sentence each.
  std::vector<std::string> refused;
};

class RecorderCore;

class Recorder {
 public:
  // Errors: as Journal::open and JournalFeed::attach. Every channel must exist.
  [[nodiscard]] static Result<Recorder> open(const Domain& domain, const JournalOptions& options,
                                             const std::vector<std::string>& channels);

  Recorder(Recorder&&) noexcept;
  Recorder& operator=(Recorder&&) noexcept;
  ~Recorder();

  // Records until `stop`, and then what was published before it. Set it with a release store
  // [sync:recorder-stop], else that cannot be said of the last messages. Errors: poisoned (outcome
  // of what was in flight is unknown; open a new one), and what ends a journal.
  Result<void> run(const std::atomic<bool>& stop);

  // One round: takes what is there, submits, waits at most so long.
  Result<void> round(std::chrono::nanoseconds most);

  // Everything published so far is durable when it returns, then the log is closed in good order.
  Result<void> close();

  [[nodiscard]] const RecoveryReport& recovery() const noexcept;
  [[nodiscard]] const DiskFacts& disk() const noexcept;
  [[nodiscard]] RecorderStats stats() const;

 private:
  explicit Recorder(std::unique_ptr<RecorderCore> core) noexcept;

  std::unique_ptr<RecorderCore> core_;
};

}  // namespace millrace
