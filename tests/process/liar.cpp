#include "process/liar.hpp"

#include "process/liar_hand.hpp"
#include "process/liar_message.hpp"
#include "process/liar_ring.hpp"
#include "process/liar_tricks.hpp"

#include <memory>
#include <unistd.h>

namespace millrace::liar {

namespace {

constexpr std::uint32_t kLanes = 8;

class Liar {
 public:
  Liar(Board& board, const RoundPlan& round, const LiarPlan& plan)
      : board_(board),
        round_(round),
        plan_(plan),
        values_(plan.seed, round.ring_bytes),
        channel_path_(round.domain + "/" + kChannel),
        tricks_(values_, round.domain, channel_path_, plan.own_rights),
        ring_(values_, channel_path_, round.ring_bytes) {}

  // A member like others, until it has its files. False: it was not let in.
  bool enter() {
    auto domain = Domain::open({.path = round_.domain, .participant = "liar"});
    if (!domain) return false;
    domain_ = std::make_unique<Domain>(std::move(*domain));
    auto channel = domain_->find(kChannel);
    if (!channel) return false;
    auto subscriber = channel->subscriber({.from = From::oldest()});
    if (!subscriber) return false;
    subscriber_ = std::make_unique<Subscriber>(std::move(*subscriber));
    if (plan_.role == Role::publisher) {
      auto publisher = channel->publisher({.name = values_.once_in(2) ? "liar" : ""});
      if (!publisher) return false;
      publisher_ = std::make_unique<Publisher>(std::move(*publisher));
    }
    open_hands(*channel);
    return !hands_.empty();
  }

  // A burst of lies, or of the truth.
  void turn() {
    if (obsession_ != nullptr) return hold_for_life();
    if (values_.once_in(32)) tricks_.learn();
    switch (values_.below(10)) {
      case 0: any_hand().insist(values_, 200); break;
      case 1: any_hand().hold(values_, 100 << values_.below(7)); break;
      case 2: any_hand().restore(); break;
      case 3: tell_truth(); break;
      case 4: trick(); break;
      case 5:
      case 6: lie_in_ring(); break;
      default: lie_in_words();
    }
    board_.lies.fetch_add(1);
    if (values_.once_in(4)) usleep(static_cast<useconds_t>(values_.below(500)));
  }

 private:
  // The files that are its own, and those that belong to all.
  void open_hands(const Channel& channel) {
    const auto stats = channel.stats();
    if (!stats) return;
    for (const ReaderFileStats& one : stats->readers) {
      if (one.reader.pid != static_cast<std::uint32_t>(getpid())) continue;
      for (const std::string& name : names_in(round_.domain + "/participants")) {
        if (!name.starts_with(std::to_string(one.reader.id) + ".")) continue;
        add("participant", round_.domain + "/participants/" + name);
        add("reader", channel_path_ + "/readers/" + name + "." + std::to_string(one.reader.number));
        for (const std::string& recorder : names_in(channel_path_ + "/stamps"))
          if (recorder.starts_with(name + ".")) add("stamp", channel_path_ + "/stamps/" + recorder);
      }
    }
    add("doorbell", channel_path_ + "/doorbell");
    if (publisher_) add("lane", channel_path_ + "/lane-" + std::to_string(publisher_->lane()));
    if (publisher_) add("order", channel_path_ + "/order");  // where there is one
    // A doorbell with another header, or cut short, keeps newcomers out: seldom, else nobody comes.
    spoils_doorbell_ = values_.once_in(8);
    for (Hand& hand : hands_) {
      if (hand.layout() == "doorbell" && !spoils_doorbell_) hand.spare_header();
    }
    if (values_.once_in(3)) choose_obsession();
  }

  // A liar of one idea: what all members count in stays as it is, so nobody hears of newcomers.
  void choose_obsession() {
    for (const Hand& hand : hands_) {
      if (hand.layout() == "doorbell") obsession_ = &hand;
    }
    if (obsession_ == nullptr) return;
    held_ = obsession_->any(values_);
    for (const Word& word : obsession_->words()) {
      if (values_.once_in(2) && word.field == "reader_generation") held_ = word;
    }
    held_as_ = obsession_->read(held_);
  }

  void hold_for_life() {
    for (int times = 0; times < 1000; ++times)
      obsession_->write(held_, held_as_);
    board_.lies.fetch_add(1);
  }

  void add(const std::string& layout, const std::string& path) {
    for (const FilePlan& file : file_plans()) {
      if (layout != file.layout) continue;
      Hand hand(path, file, kLanes);
      if (hand.valid()) hands_.push_back(std::move(hand));
    }
  }

  Hand& any_hand() { return hands_[values_.below(hands_.size())]; }

  void lie_in_words() {
    for (std::uint64_t lies = values_.below(64); lies != 0; --lies)
      any_hand().lie(values_);
  }

  void lie_in_ring() {
    if (!publisher_) return lie_in_words();
    for (const Hand& hand : hands_) {
      if (hand.layout() == "lane") ring_.lie(hand);
      if (hand.layout() == "order") ring_.lie_in_order(hand);
    }
  }

  void tell_truth() {
    if (publisher_) {
      const std::string text(values_.below(round_.ring_bytes / 4), 'l');
      for (std::uint64_t i = values_.below(8); i != 0; --i)
        (void)publisher_->try_send(text);
    } else {
      for (std::uint64_t i = values_.below(8); i != 0; --i)
        (void)subscriber_->try_poll();
    }
  }

  void trick() {
    switch (values_.below(6)) {
      case 0: tricks_.lock(); break;
      case 1: tricks_.unlock(); break;
      case 2: tricks_.clear(); break;
      case 3: tricks_.disturb_sleepers(); break;
      case 4: cut_and_mend(); break;
      default: tricks_.plant(any_hand());
    }
  }

  void cut_and_mend() {
    const Hand& hand = any_hand();
    if (hand.layout() == "doorbell" && !spoils_doorbell_) return;
    hand.cut(values_);
    if (values_.once_in(2)) hand.restore();
  }

  Board& board_;
  const RoundPlan& round_;
  const LiarPlan& plan_;
  Values values_;
  std::string channel_path_;
  Tricks tricks_;
  RingLies ring_;
  std::unique_ptr<Domain> domain_;
  std::unique_ptr<Subscriber> subscriber_;
  std::unique_ptr<Publisher> publisher_;
  std::vector<Hand> hands_;
  bool spoils_doorbell_ = false;
  const Hand* obsession_ = nullptr;
  Word held_;
  std::uint64_t held_as_ = 0;
};

}  // namespace

void lie(Board& board, const RoundPlan& round, const LiarPlan& plan) {
  Liar liar(board, round, plan);
  if (!liar.enter()) {
    usleep(1000);
    _exit(0);
  }
  for (;;)
    liar.turn();
}

}  // namespace millrace::liar
