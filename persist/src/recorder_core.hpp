// The rounds of a recorder: take what has come, write it, say what is durable, sleep.
//
// Group commit is natural: what arrives while an item is being written makes up the next one.
// Nothing ever waits for company, and a second item goes on its way beside the first only if it is
// full.
//
// Thread rules: one thread; stats() from any.
#pragma once

#include "millrace/persist/recorder.hpp"
#include "recorder_durable.hpp"
#include "recorder_plain.hpp"
#include "recorder_points.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

class RecorderCore {
 public:
  // `disk`: where the log lies, null: in options.directory.
  static Result<std::unique_ptr<RecorderCore>> open(const Domain& domain,
                                                    const JournalOptions& options,
                                                    const std::vector<std::string>& channels,
                                                    std::unique_ptr<Disk> disk = nullptr);

  RecorderCore(const RecorderCore&) = delete;
  RecorderCore& operator=(const RecorderCore&) = delete;
  ~RecorderCore() = default;

  Result<void> run(const std::atomic<bool>& stop);
  Result<void> round(std::chrono::nanoseconds most);
  Result<void> close();

  [[nodiscard]] const RecoveryReport& recovery() const noexcept { return journal_.recovery(); }

  [[nodiscard]] const DiskFacts& disk() const noexcept { return journal_.disk(); }

  [[nodiscard]] RecorderStats stats() const;

 private:
  RecorderCore(Journal journal, std::size_t item_bytes)
      : journal_(std::move(journal)), item_bytes_(item_bytes) {}

  Result<void> attach(const Domain& domain, const std::vector<std::string>& channels);
  Result<void> join_lanes();

  // Fills and submits items as long as that makes sense.
  Result<void> push();
  void fill();
  [[nodiscard]] bool due() const noexcept;
  Result<bool> submit();
  void take_acknowledgements();

  // Waits for what is on its way, and reports it.
  Result<void> await(std::chrono::nanoseconds most);
  void report();
  // Nothing is on its way: sleeps until something comes.
  Result<void> rest(std::chrono::nanoseconds most);
  Result<void> drain();
  [[nodiscard]] bool drained() const noexcept;

  // Everybody is told about the log's state; `why` it is poisoned ends the recorder.
  void say(LogState state, int error);
  Result<void> failed(const Error& why);
  void show_stats(bool at_once);
  void leave() noexcept;

  using Clock = std::chrono::steady_clock;

  Journal journal_;
  RecorderNotes notes_;
  std::vector<std::unique_ptr<DurableChannel>> durable_;
  std::vector<std::unique_ptr<PlainChannel>> plain_;
  std::vector<RecorderSource*> sources_;
  std::size_t turn_ = 0;    // whose turn it is
  std::size_t busy_ = 1;    // sources that had something of late
  bool item_full_ = false;  // somebody has something that the item has no room for
  RecorderPoints points_;
  LogState said_ = LogState::ok;
  std::optional<Error> end_;  // why nothing more can be done
  std::size_t item_bytes_;
  Clock::time_point acknowledgements_due_{};
  Clock::time_point stats_due_{};
  int restless_ = 0;  // rests in a row that a lane refused without giving anything
  std::vector<FutexWait> waits_;
  RecorderStats counts_;
  mutable std::mutex shown_mutex_;
  RecorderStats shown_;
};

}  // namespace millrace
