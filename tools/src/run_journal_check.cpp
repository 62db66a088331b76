#include "run_journal_check.hpp"

#include "millrace/persist/journal_reader.hpp"
#include "millrace/persist/verify.hpp"
#include "run_checksum.hpp"
#include "run_child.hpp"
#include "run_figures.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace millrace::tools {
namespace {

// A clock that is set meanwhile, and an item that was begun just before.
constexpr std::uint64_t kSlackNs = 5'000'000'000;

// What the journal holds of one lane.
struct JournaledLane {
  LaneTally tally{};
  Sequence next = 0;
  LaneChecksum checksum;

  void take(const JournaledMessage& message, std::uint32_t lane) {
    if (message.sequence < next) {
      ++tally.repeated;
    } else {
      tally.lost += message.sequence - next;
    }
    next = message.sequence + 1;
    ++tally.received;
    const std::byte* at = message.bytes.data();
    std::size_t length = message.bytes.size();
    const bool sealed = (message.key & kSealedKey) != 0;
    if (sealed && length < kSealBytes) {
      ++tally.wrong;
      return;
    }
    const std::size_t before = sealed ? kSealBytes : 0;
    const std::uint64_t hash = hash_of(at + before, length - before);
    if (sealed &&
        checksum_detail::load<std::uint64_t>(at) != seal_of(hash, message.sequence, lane, 0)) {
      ++tally.wrong;
    }
    checksum.add(hash, message.sequence);
    tally.bytes += length - before;
  }
};

class JournalCheck {
 public:
  JournalCheck(const RunPage& page, RunResult& result) : page_(page), result_(result) {}

  // False: it cannot be read to its end.
  bool read(const std::string& directory, std::uint64_t began_ns) {
    auto reader = JournalReader::open(directory);
    if (!reader) return refuse(reader.error());
    const auto placed = reader->seek_time(began_ns > kSlackNs ? began_ns - kSlackNs : 0);
    if (!placed) return refuse(placed.error());
    lanes_.resize(result_.lanes.size());
    find_lanes(*reader);
    for (;;) {
      const auto message = reader->next();
      if (!message) return refuse(message.error());
      if (!*message) return true;
      const auto ours = numbers_.find((*message)->lane);
      if (ours == numbers_.end()) continue;
      lanes_[ours->second].take(**message, result_.lanes[ours->second].lane);
    }
  }

  // Compares lane by lane.
  void compare(RunJournal& journal) {
    journal.checksum_ok = true;
    for (std::size_t each = 0; each < lanes_.size(); ++each)
      compare(result_.lanes[each], lanes_[each], journal);
  }

 private:
  bool refuse(const Error& error) {
    result_.errors.push_back("journal: " + std::string(error.sentence()));
    return false;
  }

  // Which of its lanes is which publisher's.
  void find_lanes(const JournalReader& reader) {
    const std::string channel = page_.settings().channel.data();
    for (const JournalLane& lane : reader.lanes()) {
      if (lane.channel_name != channel) continue;
      for (std::uint32_t each = 0; each < lanes_.size(); ++each) {
        if (lane.producer == run_publisher_name(each)) numbers_[lane.id] = each;
      }
    }
  }

  void compare(const RunLane& lane, JournaledLane& journaled, RunJournal& journal) {
    const LaneTally& tally = journaled.tally;
    journal.messages += tally.received;
    journal.bytes += tally.bytes;
    if (tally.received != lane.published || tally.lost != 0 || tally.repeated != 0) {
      say(lane, "the journal holds " + grouped(tally.received) + " messages, " +
                    grouped(tally.lost) + " numbers are missing before them and " +
                    grouped(tally.repeated) + " come twice; " + grouped(lane.published) +
                    " were published");
    }
    if (tally.wrong != 0) say(lane, "the journal holds " + grouped(tally.wrong) + " damaged");
    const bool differs = journaled.checksum.value() != lane.checksum || tally.bytes != lane.bytes;
    if (lane.complete && differs) {
      say(lane, "the journal's checksum " + checksum_text(journaled.checksum.value()) + " of " +
                    grouped(tally.bytes) + " bytes is not the publisher's " +
                    checksum_text(lane.checksum) + " of " + grouped(lane.bytes));
    }
    journal.checksum_ok = journal.checksum_ok && lane.complete && !differs && tally.wrong == 0;
  }

  void say(const RunLane& lane, const std::string& what) {
    result_.errors.push_back("lane of publisher " + std::to_string(lane.publisher) + ": " + what);
  }

  const RunPage& page_;
  RunResult& result_;
  std::vector<JournaledLane> lanes_;
  std::map<JournalLaneId, std::uint32_t> numbers_;
};

// Every byte of a journal that holds nothing but this run.
bool verify_all(const std::string& directory, RunResult& result) {
  const auto verified = verify_journal({.directory = directory});
  if (!verified) {
    result.errors.push_back("journal: " + std::string(verified.error().sentence()));
    return false;
  }
  for (const Damage& damage : verified->damages) {
    result.errors.push_back("journal: segment " + std::to_string(damage.segment) + " at " +
                            std::to_string(damage.offset) + " is damaged: " + damage.what);
  }
  return verified->damages.empty();
}

void take_figures(const RecorderWords& words, RunJournal& journal) {
  journal.written_bytes = words.written_bytes;
  journal.batches = words.batches;
  journal.flushes = words.flushes;
  std::copy(std::begin(words.flush_ns), std::end(words.flush_ns), std::begin(journal.flush_ns));
  journal.device = words.device.data();
}

}  // namespace

void check_run_journal(const RunPage& page, const std::string& directory, bool kept,
                       std::uint64_t began_ns, RunResult& result) {
  RunJournal journal;
  journal.directory = directory;
  journal.kept = kept;
  if (has_reached(page.header().recorder.child, RunPhase::leave)) {
    take_figures(page.header().recorder, journal);
  }
  const std::size_t before = result.errors.size();
  JournalCheck check(page, result);
  const bool whole = (kept || verify_all(directory, result)) && check.read(directory, began_ns);
  if (whole) check.compare(journal);
  journal.ok = whole && result.errors.size() == before;
  result.ok = result.ok && journal.ok;
  result.journal = std::move(journal);
}

}  // namespace millrace::tools
