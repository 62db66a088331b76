// millrace journal tail: the last messages of a journal, and what comes after them.
#include "journal_verbs.hpp"
#include "loss_notes.hpp"
#include "message_print.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/persist/journal_reader.hpp"
#include "number_argument.hpp"
#include "output_buffer.hpp"
#include "report.hpp"
#include "signals.hpp"

#include <CLI/App.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <poll.h>
#include <set>
#include <string>
#include <unordered_map>

namespace millrace::tools {
namespace {

constexpr int kBetweenMs = 20;
constexpr std::uint64_t kSecondNs = 1'000'000'000;

struct TailArguments {
  JournalArgument journal;
  std::optional<OutputFormat> format;
  std::uint64_t last = 10;
  bool follow = false;
};

// A message that outlives the reader's buffer.
struct KeptMessage {
  JournalLaneId lane = 0;
  Sequence sequence = 0;
  std::uint16_t key = 0;
  std::uint64_t wall_ns = 0;
  std::string text;
};

class Tailing {
 public:
  Tailing(const TailArguments& arguments, JournalReader& reader)
      : arguments_(arguments), reader_(reader), notes_(arguments.journal.json) {}

  Result<void> run() {
    if (auto found = find_last(); !found) return found;
    for (const KeptMessage& message : last_)
      print(message);
    last_.clear();
    output_.flush();
    while (arguments_.follow && !end_requested() && output_.open()) {
      if (auto read = print_more(); !read) return read;
      output_.flush();
      pollfd end{end_descriptor(), POLLIN, 0};
      poll(&end, 1, kBetweenMs);
      if (auto again = reader_.refresh(); !again) return again;
    }
    notes_.flush();
    if (output_.os_error() == 0) return {};
    return fail_os(output_.os_error(), "cannot write to standard output");
  }

 private:
  // The log has no way back: reads from some time ago to the end, and from longer ago if that was
  // too little.
  Result<void> find_last() {
    if (arguments_.last == 0 && !arguments_.follow) return {};
    const std::uint64_t now_ns = wall_ns();
    for (std::uint64_t ago_ns = kSecondNs; ago_ns < now_ns && ago_ns < now_ns / 8; ago_ns *= 8) {
      if (auto placed = reader_.seek_time(now_ns - ago_ns); !placed) return placed;
      if (auto read = keep_last(); !read) return read;
      if (last_.size() >= arguments_.last) return {};
    }
    reader_.seek_begin();
    return keep_last();
  }

  Result<void> keep_last() {
    last_.clear();
    damage_.clear();
    for (;;) {
      const auto message = next();
      if (!message) return Failure(message.error());
      if (!*message || end_requested()) return {};
      if (arguments_.last == 0) continue;
      if (last_.size() == arguments_.last) last_.pop_front();
      last_.push_back(kept(**message));
    }
  }

  Result<void> print_more() {
    for (;;) {
      const auto message = next();
      if (!message) return Failure(message.error());
      if (!*message || end_requested()) return {};
      print(kept(**message));
      output_.settle();
    }
  }

  // The next message, past what retention has taken.
  Result<std::optional<JournaledMessage>> next() {
    for (;;) {
      auto message = reader_.next();
      if (message || !passes(message.error())) return message;
      if (told_.insert(std::string(message.error().sentence())).second) {
        notes_.add(message.error());
      }
      if (end_requested()) return std::nullopt;
    }
  }

  // Retention was faster, or a place was given up by repair, which is told once. Damage that nobody
  // has given up is told again.
  bool passes(const Error& error) {
    if (error.code() == Errc::trimmed) return true;
    if (error.code() != Errc::damaged || error.sentence() == damage_) return false;
    damage_ = error.sentence();
    return true;
  }

  static KeptMessage kept(const JournaledMessage& message) {
    return {message.lane, message.sequence, message.key, message.wall_ns,
            std::string(reinterpret_cast<const char*>(message.bytes.data()), message.bytes.size())};
  }

  void print(const KeptMessage& message) {
    print_message({.lane = std::nullopt,
                   .producer = producer_of(message.lane),
                   .wall_ns = message.wall_ns,
                   .sequence = message.sequence,
                   .key = message.key,
                   .text = message.text},
                  arguments_.format.value_or(arguments_.journal.json ? OutputFormat::json
                                                                     : OutputFormat::lines),
                  output_.text());
  }

  const std::string& producer_of(JournalLaneId id) {
    const auto found = producers_.find(id);
    if (found != producers_.end()) return found->second;
    for (const JournalLane& lane : reader_.lanes()) {
      if (lane.id == id) return producers_[id] = lane.producer;
    }
    return unknown_;
  }

  const TailArguments& arguments_;
  JournalReader& reader_;
  LossNotes notes_;
  OutputBuffer output_;
  std::deque<KeptMessage> last_;
  std::unordered_map<JournalLaneId, std::string> producers_;
  const std::string unknown_;
  std::string damage_;          // met last since the last seek
  std::set<std::string> told_;  // a seek further back meets the same again
};

int run_tail(const TailArguments& arguments) {
  auto reader = JournalReader::open(arguments.journal.directory);
  if (!reader) return report(reader.error(), arguments.journal.json, stderr);
  const auto done = Tailing(arguments, *reader).run();
  if (done) return kGood;
  const int code = report(done.error(), arguments.journal.json, stderr);
  return done.error().code() == Errc::damaged ? kCheckFailed : code;
}

}  // namespace

void add_journal_tail(CLI::App& journal, int& exit_code) {
  const auto arguments = std::make_shared<TailArguments>();
  CLI::App& verb = *journal.add_subcommand("tail", "Write the last messages of a journal");
  add_journal_argument(verb, arguments->journal);
  add_count_option(verb, "-n,--last", arguments->last, 0, "How many (10)");
  verb.add_flag("-f,--follow", arguments->follow, "Then write what comes");
  add_output_format_option(verb, arguments->format);
  verb.footer(
      "All producers of all channels, in the order of the log, as far as it is durable.\n"
      "Exit codes: 0 good, 1 damage was met, 2 bad usage or environment.");
  verb.callback([arguments, &exit_code] { exit_code = run_tail(*arguments); });
}

}  // namespace millrace::tools
