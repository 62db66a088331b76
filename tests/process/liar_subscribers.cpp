// Victims that subscribe, and one that looks on.
#include "process/liar_ledger.hpp"
#include "process/liar_message.hpp"
#include "process/liar_victims.hpp"

#include <cstring>
#include <optional>
#include <random>
#include <unistd.h>

namespace millrace::liar {

std::optional<Channel> open_channel(Board& board, const RoundPlan& plan, const char* participant) {
  auto domain = Domain::open({.path = plan.domain, .participant = participant});
  if (domain) {
    auto channel = domain->find(kChannel);
    if (channel) return *channel;
    board.broken("the %s cannot open the channel: %s", participant,
                 std::string(channel.error().sentence()).c_str());
    return std::nullopt;
  }
  board.broken("the %s cannot open the domain: %s", participant,
               std::string(domain.error().sentence()).c_str());
  return std::nullopt;
}

namespace {

class Listener {
 public:
  Listener(Board& board, const RoundPlan& plan, Who who)
      : ledger(board, who, plan),
        board_(board),
        plan_(plan),
        random_(mix(plan.seed + static_cast<std::uint64_t>(who))) {
    ledger.begin(in_ring());
  }

  // Do messages point into the ring?
  [[nodiscard]] bool in_ring() const { return plan_.policy == Policy::block; }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  // Reads what it was given, sometimes only after a while.
  bool right(std::uint32_t lane, std::uint64_t sequence, std::span<const std::byte> bytes) {
    if (below(128) == 0) usleep(static_cast<useconds_t>(below(3000)));
    return Text(plan_.seed, lane, sequence, message_bytes_max(plan_.ring_bytes)).is(bytes);
  }

  // The same in one order: the number is in the bytes, and counts only if they are right.
  std::optional<std::uint64_t> number_in(std::uint32_t lane, std::span<const std::byte> bytes) {
    std::uint64_t number = 0;
    if (bytes.size() < sizeof number) return std::nullopt;
    std::memcpy(&number, bytes.data(), sizeof number);
    if (!right(lane, number, bytes.subspan(sizeof number))) return std::nullopt;
    return number;
  }

  // Which message of its lane it is; nothing if its bytes are not those that were said.
  std::optional<std::uint64_t> hear(std::uint32_t lane, std::uint64_t sequence,
                                    std::span<const std::byte> bytes) {
    if (plan_.order == Order::total) return number_in(lane, bytes);
    return right(lane, sequence, bytes) ? std::optional(sequence) : std::nullopt;
  }

  void enter(std::uint32_t lane, std::uint64_t sequence, std::optional<std::uint64_t> heard) {
    const bool numbered = plan_.order == Order::total;
    ledger.message(lane, numbered ? heard : std::optional(sequence), heard.has_value());
  }

  void take(const Message& message) {
    enter(message.lane(), message.sequence(),
          hear(message.lane(), message.sequence(), message.bytes()));
  }

  void settle(const Result<void>& released) {
    if (released) return ledger.vouched();
    ledger.refused(released.error());
  }

  // Until all of the stayer has come. `turn` polls once.
  template <class Turn>
  void listen(Who who, Turn turn) {
    board_.of(who).ready.store(true);
    int turns_after = 0;  // of a spoilt order nobody can say when all has come
    while (board_.before(Phase::after) ||
           (plan_.spoilt ? ++turns_after < 100 : !ledger.complete())) {
      if (board_.in(Phase::stop)) return;
      turn();
    }
    board_.of(who).done.store(true);
  }

  Ledger ledger;

 private:
  Board& board_;
  const RoundPlan& plan_;
  std::mt19937_64 random_;
};

From anywhere(Listener& listener) {
  switch (listener.below(3)) {
    case 0: return From::oldest();
    case 1: return From::now();
    default: return From::at(listener.below(5000));
  }
}

// One message where it lies.
void peek_once(Listener& listener, Subscriber& subscriber) {
  auto view = subscriber.poll_in_place();
  if (!view) return listener.ledger.refused(view.error());
  if (!*view) {
    const auto waited = subscriber.wait(std::chrono::milliseconds(1));
    if (!waited) listener.ledger.refused(waited.error());
    return;
  }
  const std::uint32_t lane = (*view)->lane();
  const std::uint64_t sequence = (*view)->sequence();
  const auto heard = std::move(**view).consume(
      [&](std::span<const std::byte> bytes) { return listener.hear(lane, sequence, bytes); });
  if (!heard) return listener.ledger.refused(heard.error());
  listener.enter(lane, sequence, *heard);
}

void poll_once(Listener& listener, Subscriber& subscriber) {
  const auto message = subscriber.poll_for(std::chrono::milliseconds(20));
  if (!message) return listener.ledger.refused(message.error());
  listener.take(*message);
  if (listener.below(2) == 0) listener.settle(subscriber.release());
}

}  // namespace

void poll(Board& board, const RoundPlan& plan) {
  Listener listener(board, plan, Who::poller);
  const auto channel = open_channel(board, plan, "poller");
  if (!channel) return;
  auto subscriber = channel->subscriber({.from = From::oldest(), .wait = Wait::park});
  if (!subscriber) return board.broken("the poller cannot subscribe");
  listener.listen(Who::poller, [&] { poll_once(listener, *subscriber); });
}

void handle(Board& board, const RoundPlan& plan) {
  Listener listener(board, plan, Who::handler);
  const auto channel = open_channel(board, plan, "handler");
  if (!channel) return;
  auto subscriber = channel->subscriber({.from = From::oldest(), .wait = Wait::spin});
  if (!subscriber) return board.broken("the handler cannot subscribe");
  listener.listen(Who::handler, [&] {
    const auto handled =
        subscriber->poll_each([&](const Message& message) { listener.take(message); });
    if (!handled) return listener.ledger.refused(handled.error());
    listener.ledger.vouched();
    if (*handled == 0) (void)subscriber->wait(std::chrono::microseconds(200));
  });
}

void peek(Board& board, const RoundPlan& plan) {
  Listener listener(board, plan, Who::peeker);
  const auto channel = open_channel(board, plan, "peeker");
  if (!channel) return;
  VictimReport& report = board.of(Who::peeker);
  report.ready.store(true);
  while (board.before(Phase::after)) {
    constexpr std::array kWaits{Wait::automatic, Wait::park, Wait::spin};
    auto subscriber = channel->subscriber(
        {.from = anywhere(listener), .wait = kWaits[listener.below(kWaits.size())]});
    if (!subscriber) {
      report.shut_out.fetch_add(1);
      usleep(1000);
      continue;
    }
    report.openings.fetch_add(1);
    const bool in_place = listener.below(2) == 0;
    listener.ledger.begin(listener.in_ring() && !in_place);
    const auto turn = in_place ? peek_once : poll_once;
    for (std::uint64_t turns = listener.below(500); turns != 0; --turns)
      turn(listener, *subscriber);
  }
}

void look_on(Board& board, const RoundPlan& plan) {
  auto domain = Domain::open({.path = plan.domain, .participant = "onlooker"});
  if (!domain) return board.broken("the onlooker cannot open the domain");
  board.of(Who::onlooker).ready.store(true);
  while (board.before(Phase::stop)) {
    const auto channel = domain->find(kChannel);
    if (channel && channel->stats()) board.of(Who::onlooker).messages.fetch_add(1);
    if (!channel) board.of(Who::onlooker).shut_out.fetch_add(1);
    if (domain->clean()) board.of(Who::onlooker).openings.fetch_add(1);
    usleep(5000);
  }
}

}  // namespace millrace::liar
