#include "millrace/persist/replayer.hpp"

#include "millrace/persist/use_journals.hpp"
#include "replay_range.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace millrace {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// Between looks at a log that has nothing more: no role, no lock, and so nobody who would wake us.
constexpr std::chrono::milliseconds kNap{1};

Clock::time_point deadline_in(nanoseconds most) noexcept {
  const Clock::time_point now = Clock::now();
  return most > Clock::time_point::max() - now ? Clock::time_point::max() : now + most;
}

// False: `deadline` came first.
bool sleep_until(Clock::time_point moment, Clock::time_point deadline) {
  std::this_thread::sleep_until(std::min(moment, deadline));
  return moment <= deadline;
}

}  // namespace

class ReplayCore {
 public:
  ReplayCore(JournalReader reader, ReplayRange range, const ReplayOptions& options)
      : reader_(std::move(reader)),
        range_(std::move(range)),
        speed_(options.speed),
        follow_(options.follow) {}

  Result<void> begin(const ReplayOptions& options) {
    if (options.from_ns) return reader_.seek_time(*options.from_ns);
    const auto lane = range_.only_lane();
    if (!lane || !options.from) return {};
    auto there = reader_.seek(*lane, *options.from);
    if (there || there.error().code() != Errc::trimmed) return there;
    reader_.seek_begin();  // next() tells what is gone
    return {};
  }

  Result<std::optional<ReplayedMessage>> next(nanoseconds most) {
    if (auto told = range_.tell_trimmed(); !told) return Failure(told.error());
    const Clock::time_point deadline = deadline_in(most);
    while (!done_) {
      if (!held_) {
        auto found = find();
        if (!found) return Failure(found.error());
        if (!*found && !done_ && !wait_for_more(deadline)) break;
        if (!*found) continue;
      }
      if (speed_ > 0 && !sleep_until(due(), deadline)) break;
      const JournaledMessage message = *std::exchange(held_, std::nullopt);
      return ReplayedMessage{range_.producer(message.lane),
                             message.sequence,
                             message.key,
                             message.bytes,
                             message.wall_ns,
                             message.gap_from,
                             message.gap_to};
    }
    return std::optional<ReplayedMessage>();
  }

  [[nodiscard]] bool done() const noexcept { return done_; }

 private:
  // The next message of the range, to held_. False: the durable end, or done_.
  Result<bool> find() {
    for (;;) {
      if (range_.over()) {
        done_ = true;
        return false;
      }
      auto message = reader_.next();
      if (!message) return Failure(message.error());
      if (!*message) {
        done_ = !follow_;
        return false;
      }
      ReplayRange::Verdict verdict = range_.judge(**message);
      if (verdict == ReplayRange::Verdict::unknown_lane) {
        range_.learn(reader_.lanes());
        verdict = range_.judge(**message);
      }
      if (verdict != ReplayRange::Verdict::give) continue;
      held_ = **message;
      return true;
    }
  }

  // False: nothing until the deadline. An error of the look comes up in the next find().
  bool wait_for_more(Clock::time_point deadline) {
    if (!sleep_until(Clock::now() + kNap, deadline)) return false;
    (void)reader_.refresh();
    return true;
  }

  // When held_ is to be given: as long after the first one as it was taken in after it. A clock
  // that was set back meanwhile delays nothing.
  [[nodiscard]] Clock::time_point due() {
    if (first_wall_ns_ == 0) {
      first_wall_ns_ = held_->wall_ns;
      first_given_ = Clock::now();
    }
    if (held_->wall_ns <= first_wall_ns_) return first_given_;
    const double after = static_cast<double>(held_->wall_ns - first_wall_ns_) / speed_;
    return first_given_ + nanoseconds(static_cast<std::int64_t>(std::min(after, 9e18)));
  }

  JournalReader reader_;
  ReplayRange range_;
  double speed_;
  bool follow_;
  bool done_ = false;
  std::optional<JournaledMessage> held_;  // of the range, and not yet its time
  std::uint64_t first_wall_ns_ = 0;
  Clock::time_point first_given_{};
};

Replayer::Replayer(std::unique_ptr<ReplayCore> core) noexcept : core_(std::move(core)) {}

Replayer::Replayer(Replayer&&) noexcept = default;
Replayer& Replayer::operator=(Replayer&&) noexcept = default;
Replayer::~Replayer() = default;

Result<Replayer> Replayer::open(const ReplayOptions& options) {
  use_journals();
  auto reader = JournalReader::open(options.directory);
  if (!reader) return Failure(reader.error());
  auto range = ReplayRange::choose(options, reader->lanes());
  if (!range) return Failure(range.error());
  auto core = std::make_unique<ReplayCore>(std::move(*reader), std::move(*range), options);
  if (auto begun = core->begin(options); !begun) return Failure(begun.error());
  return Replayer(std::move(core));
}

Result<std::optional<ReplayedMessage>> Replayer::next(nanoseconds most) {
  return core_->next(most);
}

bool Replayer::done() const noexcept {
  return core_->done();
}

}  // namespace millrace
