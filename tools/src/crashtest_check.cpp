#include "crashtest_check.hpp"

#include "millrace/persist/journal_reader.hpp"

#include <algorithm>
#include <map>

namespace millrace::tools {
namespace {

// The violations of one lane are many, and say the same.
constexpr std::size_t kViolationsMax = 20;

class LaneCheck {
 public:
  LaneCheck(const CrashPage& page, std::uint32_t number, Sequence first)
      : page_(page), number_(number), next_(first) {}

  void take(const JournaledMessage& message, CrashFindings& findings) {
    if (message.sequence != next_) {
      say(findings, "message " + std::to_string(message.sequence) + " comes where " +
                        std::to_string(next_) + " should be");
    }
    make_crash_message(page_.seed, number_, message.sequence, expected_);
    if (!std::equal(expected_.begin(), expected_.end(), message.bytes.begin(),
                    message.bytes.end())) {
      say(findings, "message " + std::to_string(message.sequence) + " is not as it was published");
    }
    next_ = message.sequence + 1;
    ++findings.messages;
  }

  void finish(CrashFindings& findings) {
    findings.ends[number_] = next_;
    const std::uint64_t reported = page_.lanes[number_].durable.load(std::memory_order_relaxed);
    if (next_ >= reported) return;
    say(findings, "messages " + std::to_string(next_) + " to " + std::to_string(reported - 1) +
                      " were reported durable and are gone");
  }

 private:
  void say(CrashFindings& findings, const std::string& what) const {
    if (findings.violations.size() < kViolationsMax) {
      findings.violations.push_back(crash_publisher_name(number_) + ": " + what);
    }
  }

  const CrashPage& page_;
  std::uint32_t number_;
  Sequence next_;
  std::vector<std::byte> expected_;
};

Result<RecoveryReport> recover_as_recorder(const CrashPage& page) {
  JournalOptions options;
  options.directory = page.journal.data();
  options.create = false;
  options.retain.bytes = page.retain_bytes;
  options.wait_for_lock = true;
  auto journal = Journal::open(options);
  if (!journal) return Failure(journal.error());
  const RecoveryReport report = journal->recovery();
  if (auto closed = journal->close(); !closed) return Failure(closed.error());
  return report;
}

}  // namespace

Result<CrashFindings> check_after_crash(const CrashPage& page) {
  const auto recovery = recover_as_recorder(page);
  if (!recovery) return Failure(recovery.error());
  CrashFindings findings;
  findings.recovery = *recovery;
  auto reader = JournalReader::open(page.journal.data());
  if (!reader) return Failure(reader.error());
  std::map<JournalLaneId, LaneCheck> lanes;
  for (const JournalLane& lane : reader->lanes()) {
    for (std::uint32_t each = 0; each < kCrashPublishers; ++each) {
      if (lane.producer == crash_publisher_name(each)) {
        lanes.emplace(lane.id, LaneCheck(page, each, lane.first));
      }
    }
  }
  for (;;) {
    const auto message = reader->next();
    if (!message) return Failure(message.error());
    if (!*message) break;
    const auto lane = lanes.find((*message)->lane);
    if (lane != lanes.end()) lane->second.take(**message, findings);
  }
  for (auto& [id, lane] : lanes)
    lane.finish(findings);
  for (std::uint32_t each = 0; each < kCrashPublishers; ++each) {
    if (findings.ends[each] == 0 && page.lanes[each].durable.load(std::memory_order_relaxed) != 0) {
      findings.violations.push_back(crash_publisher_name(each) + ": all of its messages are gone");
    }
  }
  return findings;
}

}  // namespace millrace::tools
