// Victims that publish.
#include "millrace/core/record_layout.hpp"
#include "process/liar_message.hpp"
#include "process/liar_victims.hpp"

#include <algorithm>
#include <cinttypes>
#include <random>
#include <unistd.h>

namespace millrace::liar {

namespace {

class Speaker {
 public:
  Speaker(Board& board, const RoundPlan& plan, Who who)
      : board_(board),
        plan_(plan),
        who_(who),
        random_(mix(plan.seed + static_cast<std::uint64_t>(who))) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  // The publisher's next message. False: there was no room for it. Where nobody may hold a
  // publisher, there is always room.
  bool say(Publisher& publisher, bool patient) {
    // Who reads in a spoilt order may wait for ever for a word that was taken away.
    const bool held = plan_.policy == Policy::block && (!patient || plan_.spoilt);
    const std::chrono::nanoseconds patience = held ? std::chrono::milliseconds(1) : kPatience;
    const bool numbered = plan_.order == Order::total;
    const std::uint64_t number = numbered ? said_ : publisher.next_sequence();
    const Text text(plan_.seed, publisher.lane(), number, message_bytes_max(plan_.ring_bytes));
    auto claim = publisher.claim_for(patience, text.length() + (numbered ? Text::kNumberBytes : 0));
    if (claim) {
      if (numbered) {
        text.write_numbered(claim->bytes(), number);
      } else {
        text.write(claim->bytes());
      }
      if (below(64) == 0) return true;  // forgotten: aborted
      std::move(*claim).publish();
      ++said_;
      board_.of(who_).messages.fetch_add(1);
      return true;
    }
    board_.of(who_).errors.fetch_add(1);
    if (held && claim.error().code() == Errc::timeout) return false;
    if (plan_.spoilt && claim.error().code() == Errc::poisoned) return false;
    board_.broken("the %s cannot publish: %s", kVictimNames[static_cast<std::size_t>(who_)],
                  std::string(claim.error().sentence()).c_str());
    return false;
  }

  // Some messages, then a rest.
  void talk(Publisher& publisher) {
    for (std::uint64_t left = below(64); left != 0; --left)
      say(publisher, false);
    usleep(static_cast<useconds_t>(below(300)));
  }

  // Its messages so far.
  [[nodiscard]] std::uint64_t said() const { return said_; }

 private:
  Board& board_;
  const RoundPlan& plan_;
  Who who_;
  std::mt19937_64 random_;
  std::uint64_t said_ = 0;
};

constexpr int kLastWords = 64;

PublisherOptions named(const char* name, std::uint64_t choice) {
  constexpr std::array kWaits{Wait::automatic, Wait::park, Wait::yield};
  return {.name = name, .wait = kWaits[choice % kWaits.size()]};
}

}  // namespace

void stay(Board& board, const RoundPlan& plan) {
  Speaker speaker(board, plan, Who::stayer);
  const auto channel = open_channel(board, plan, "stayer");
  if (!channel) return;
  auto publisher = channel->publisher(named("stayer", speaker.below(3)));
  if (!publisher) return board.broken("the stayer has no lane");
  board.stayers_lane.store(publisher->lane());
  board.honest[publisher->lane()].store(true);
  board.of(Who::stayer).ready.store(true);
  while (board.before(Phase::after))
    speaker.talk(*publisher);
  for (int said = 0; said < kLastWords && !board.heard.load(); ++said)
    speaker.say(*publisher, true);
  board.stayers_end.store(plan.order == Order::total ? speaker.said() : publisher->next_sequence());
  board.of(Who::stayer).done.store(true);
  while (board.before(Phase::stop))
    usleep(1000);
}

void come_and_go(Board& board, const RoundPlan& plan) {
  Speaker speaker(board, plan, Who::comer);
  const auto channel = open_channel(board, plan, "comer");
  if (!channel) return;
  VictimReport& report = board.of(Who::comer);
  std::optional<std::uint32_t> lane;
  while (board.before(Phase::after)) {
    auto publisher = channel->publisher(named("comer", speaker.below(3)));
    if (!publisher) {
      // A liar may take all lanes, or this name; a publisher that is there already loses nothing.
      if (!lane) return board.broken("the comer has no lane");
      report.shut_out.fetch_add(1);
      usleep(1000);
      continue;
    }
    report.openings.fetch_add(1);
    if (!lane) {
      lane = publisher->lane();
      board.honest[*lane].store(true);
      report.ready.store(true);
    }
    if (publisher->lane() != *lane) return board.broken("the comer was given another lane");
    for (std::uint64_t talks = speaker.below(8); talks != 0; --talks)
      speaker.talk(*publisher);
  }
}

}  // namespace millrace::liar
