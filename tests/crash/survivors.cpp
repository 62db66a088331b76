#include "survivors.hpp"

#include "millrace/core/participant_info.hpp"
#include "numbered_text.hpp"
#include "shared_image.hpp"
#include "stepped_victim.hpp"

#include <bit>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::crash {

using testing_support::numbered_text;

namespace {

constexpr std::chrono::seconds kWatchdog{20};
constexpr int kMoreThanARing = 30;  // messages of 150 bytes on average, into 4096

std::size_t living(const std::string& path) {
  const Descriptor domain(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::size_t alive = 0;
  for (const ParticipantInfo& one : list_participants(domain.get()))
    alive += one.alive() ? 1 : 0;
  return alive;
}

}  // namespace

// What is impossible for a call of a survivor ends it: everything after would be noise.
template <class T>
T Survivors::must(Result<T> result, const char* what) {
  if (!result) {
    ledger_.breaks("%s: %s", what, std::string(result.error().sentence()).c_str());
    _exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Survivors::Survivors(Ledger& ledger, const Operation& operation)
    : ledger_(ledger), operation_(operation), seen_(operation.order) {
  domain_ = must(open_domain(ledger.directory.data(), "witness"), "the survivors' domain");
  ChannelOptions options;
  options.ring_bytes = kSmallRing;
  options.policy = operation.policy;
  options.order = operation.order;
  if (ordered()) options.lanes_max = 8;  // the order ring is as large as all of them
  channel_ = must(domain_->create(kChannel, options), "the channel");
  eyes_ = must(channel_->subscriber({.from = From::oldest(), .wait = Wait::park}), "a subscriber");
  other_ = must(channel_->publisher({.name = "other", .wait = Wait::park}), "a publisher");
  for (const Key key : {kVictim, kOther})
    seen_.expect_from(key, 0);
  for (int i = 0; i < 3; ++i)
    send(*other_, kOther, kWatchdog);
  read_all();
  if (operation.before != nullptr) operation.before(*this);
  if (operation.after != nullptr) let_die_in(*operation.after, ledger.first_death);
}

void Survivors::let_die(const std::function<void(Actor&)>& life) const {
  const pid_t child = fork();
  if (child == 0) {
    Actor one(ledger_, operation_.order);
    life(one);
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
}

void Survivors::let_die_in(const Operation& operation, std::uint32_t instructions) {
  {
    SteppedVictim first([&] {
      Actor one(ledger_, operation_.order);
      operation.prepare(one);
      operation_begins();
      operation.act(one);
    });
    if (!first.run_to(std::bit_cast<std::uint64_t>(&operation_begins))) {
      ledger_.breaks("who was to die first never came to its operation");
    }
    for (std::uint32_t i = 0; i < instructions && first.step(); ++i) {
    }
  }
  read_all();
}

bool Survivors::send(Publisher& publisher, Key key, std::chrono::nanoseconds timeout) {
  const std::string text = numbered_text(ordered() ? sent_[key] : publisher.next_sequence());
  const auto sent = publisher.send_for(timeout, std::as_bytes(std::span(text)), key);
  if (sent) ++sent_[key];
  if (sent) return true;
  const Errc code = sent.error().code();
  if (timeout >= kWatchdog || (code != Errc::timeout && code != Errc::full)) {
    ledger_.breaks("a survivor cannot publish: %s", std::string(sent.error().sentence()).c_str());
  }
  return false;
}

void Survivors::read(Subscriber& reader, SeenMessages& seen, const char* who) {
  while (good()) {
    const auto message = reader.try_poll();
    if (!message) {
      ledger_.breaks("%s cannot read: %s", who, std::string(message.error().sentence()).c_str());
      return;
    }
    if (!*message) return;
    if (!seen.take(**message)) ledger_.breaks("%s reads wrong: %s", who, seen.why().c_str());
  }
}

void Survivors::read_all() {
  read(*eyes_, seen_, "the survivor");
}

void Survivors::fill_a_ring(Publisher& publisher, Key key) {
  for (int i = 0; i < kMoreThanARing && good(); ++i) {
    send(publisher, key, kWatchdog);
    read_all();
  }
}

void Survivors::await_victim() {
  while (!ledger_.reached(Stage::prepared) && good()) {
    if (operation_.meanwhile != Meanwhile::make_way) read_all();
    usleep(100);
  }
  if (operation_.meanwhile == Meanwhile::make_way || !good()) return;
  read_all();
  // The first sleep leaves the word that asks to be woken; a push ends when the ring is full.
  if (operation_.meanwhile == Meanwhile::sleep) (void)eyes_->poll_for(std::chrono::milliseconds(1));
  while (operation_.meanwhile == Meanwhile::push && good()) {
    if (!send(*other_, kOther, std::chrono::milliseconds(2))) break;
    read_all();
  }
}

void Survivors::act_until(Stage stage) {
  while (!ledger_.reached(stage) && good()) {
    if (operation_.meanwhile == Meanwhile::nothing) ledger_.await(stage);
    if (operation_.meanwhile == Meanwhile::sleep) wait_in_sleep();
    if (operation_.meanwhile == Meanwhile::push) push();
    if (operation_.meanwhile == Meanwhile::make_way) make_way();
  }
}

void Survivors::wait_in_sleep() {
  const auto message = eyes_->poll_for(std::chrono::milliseconds(20));
  if (message && !seen_.take(*message))
    ledger_.breaks("woken to what is wrong: %s", seen_.why().c_str());
  if (!message && message.error().code() != Errc::timeout) {
    ledger_.breaks("a sleeper: %s", std::string(message.error().sentence()).c_str());
  }
}

void Survivors::push() {
  send(*other_, kOther, std::chrono::milliseconds(20));
  read_all();
}

void Survivors::make_way() {
  for (const LaneStats& lane : must(channel_->stats(), "stats").lanes) {
    if (lane.producer == kVictimLane && lane.blocked_on.incarnation != 0) read_all();
  }
  usleep(100);
}

void Survivors::provoke() {
  if (operation_.meanwhile != Meanwhile::make_way) read_all();
  for (int i = 0; i < kMoreThanARing && good(); ++i) {
    // The victim may be a reader, and a stopped reader is waited for.
    if (!send(*other_, kOther, std::chrono::milliseconds(2))) break;
    if (operation_.meanwhile != Meanwhile::make_way) read_all();
  }
  const std::size_t alive = living(ledger_.directory.data());
  {
    auto heir = must(open_domain(ledger_.directory.data(), "heir"), "a newcomer's domain");
    auto channel = must(heir.find(kChannel), "a newcomer's channel");
    const auto taken = channel.publisher({.name = kVictimLane});
    const bool owned = ledger_.owned.load(std::memory_order_relaxed) != 0;
    if (taken && owned) ledger_.breaks("the lane of a stopped publisher was taken");
    if (!taken && taken.error().code() != Errc::busy) {
      ledger_.breaks("a stopped publisher's lane: %s",
                     std::string(taken.error().sentence()).c_str());
    }
  }
  const CleanReport report = must(domain_->clean(), "clean");
  if (!report.kept.empty()) ledger_.breaks("clean kept %s", report.kept.front().c_str());
  if (living(ledger_.directory.data()) != alive) ledger_.breaks("clean removed who is stopped");
}

void Survivors::add_slow_reader() {
  slow_ = must(channel_->subscriber({.from = From::oldest()}), "a slow reader");
}

// Received and lost together are what was published, to the message.
void Survivors::check_slow_reader() {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  SeenMessages seen(operation_.order);
  while (good()) {
    const auto message = slow_->try_poll();
    if (!message && message.error().lost() == 0) {
      return ledger_.breaks("a slow reader: %s", std::string(message.error().sentence()).c_str());
    }
    if (message && !*message) break;
    if (!message) {
      lost += message.error().lost();
      seen = SeenMessages(operation_.order);
      continue;
    }
    ++received;
    if (!seen.take(**message)) ledger_.breaks("a slow reader: %s", seen.why().c_str());
  }
  const std::uint64_t sent = seen_.next(kVictim) + seen_.next(kOther);
  if (good() && received + lost != sent) {
    ledger_.breaks("a slow reader got %lu and lost %lu of %lu", received, lost, sent);
  }
}

void Survivors::use_channel(const char* name) {
  ChannelOptions options;
  options.ring_bytes = kSmallRing;
  options.order = operation_.order;
  auto channel = must(domain_->channel(name, options), "the victim's channel");
  auto reader = must(channel.subscriber(), "a reader of the victim's channel");
  auto source = must(channel.publisher(), "a publisher of the victim's channel");
  send(source, kStranger, kWatchdog);
  SeenMessages seen(operation_.order);
  read(reader, seen, "a reader of the victim's channel");
  if (good() && seen.next(kStranger) != 1) ledger_.breaks("the victim's channel delivers nothing");
  sent_[kStranger] = 0;
}

void Survivors::judge(bool whole) {
  check_what_is_there();
  if (good() && slow_) check_slow_reader();
  slow_.reset();
  if (good() && operation_.judge != nullptr) operation_.judge(*this);
  if (good()) fill_a_ring(*other_, kOther);
  if (!whole) return;
  if (good()) let_others_come();
  if (good()) clean_up();
}

void Survivors::check_what_is_there() {
  read_all();
  const std::uint64_t there = seen_.next(kVictim);
  const std::uint64_t committed = ledger_.committed.load(std::memory_order_relaxed);
  const std::uint64_t begun = ledger_.begun.load(std::memory_order_relaxed);
  ledger_.visible.store(there, std::memory_order_relaxed);
  if (there < committed) {
    ledger_.breaks("%lu messages were committed, and only %lu are there", committed, there);
  }
  if (there > begun) ledger_.breaks("%lu messages are there, and %lu were begun", there, begun);
  const std::uint64_t others = ordered() ? sent_[kOther] : other_->next_sequence();
  if (seen_.next(kOther) != others) ledger_.breaks("the other lane lost messages");
}

void Survivors::let_others_come() {
  auto domain = must(open_domain(ledger_.directory.data(), "heir"), "a newcomer's domain");
  auto channel = must(domain.find(kChannel), "a newcomer's channel");
  auto newcomer = must(channel.subscriber({.from = From::oldest()}), "a newcomer");
  SeenMessages seen(operation_.order);
  read(newcomer, seen, "a newcomer");
  take_over(domain, newcomer, seen);
  if (ordered()) {
    // What lies before the newcomer's place in a dead lane is passed over once somebody has marked
    // its end; then the lane's number is free again.
    must(domain.clean(), "a newcomer's clean");
    read(newcomer, seen, "a newcomer");
    read_all();
  }
  auto stranger = must(channel.publisher(), "a stranger");
  send(stranger, kStranger, kWatchdog);
  read(newcomer, seen, "a newcomer");
  read_all();
  for (const Key key : {kVictim, kOther, kStranger}) {
    if (good() && seen.next(key) != seen_.next(key)) {
      ledger_.breaks("of producer %u a newcomer has %lu messages, and others %lu", key,
                     seen.next(key), seen_.next(key));
    }
  }
}

void Survivors::take_over(Domain& domain, Subscriber& newcomer, SeenMessages& seen) {
  auto channel = must(domain.find(kChannel), "a newcomer's channel");
  auto successor = must(channel.publisher({.name = kVictimLane}), "the successor");
  sent_[kVictim] = seen_.next(kVictim);
  const std::uint64_t from = ordered() ? sent_[kVictim] : successor.next_sequence();
  if (from != seen_.next(kVictim)) {
    ledger_.breaks("the successor goes on with %lu; %lu are there", from, seen_.next(kVictim));
  }
  for (int i = 0; i < kMoreThanARing && good(); ++i) {
    send(successor, kVictim, kWatchdog);
    read(newcomer, seen, "a newcomer");
    read_all();
  }
}

// Twice: while others live, and when all have left.
void Survivors::clean_up() {
  const std::string directory = ledger_.directory.data();
  const CleanReport first = must(domain_->clean({.channels_too = true}), "clean");
  std::string left = names_below(directory);
  eyes_.reset();
  other_.reset();
  const CleanReport second = must(domain_->clean({.channels_too = true}), "clean");
  if (!first.kept.empty()) ledger_.breaks("clean kept %s", first.kept.front().c_str());
  if (!second.kept.empty()) ledger_.breaks("clean kept %s", second.kept.front().c_str());
  channel_.reset();
  domain_.reset();
  left += "when all have left:\n" + names_below(directory);
  std::strncpy(ledger_.left.data(), left.c_str(), ledger_.left.size() - 1);
}

}  // namespace millrace::crash
