// The victim's part: what an operation may use, and what it tells the ledger.
#pragma once

#include "ledger.hpp"
#include "millrace/core/descriptor.hpp"
#include "millrace/core/participant.hpp"
#include "millrace/transport/domain.hpp"
#include "seen_messages.hpp"

#include <memory>
#include <optional>
#include <string>

namespace millrace::crash {

inline constexpr const char* kChannel = "quotes";
inline constexpr const char* kVictimLane = "victim";
inline constexpr std::uint64_t kSmallRing = 4096;

// The domain at `path`, with a participant of its own.
Result<Domain> open_domain(const std::string& path, const char* participant);

class Actor {
 public:
  // `of`: the channel's.
  Actor(Ledger& ledger, Order of) : order(of), seen(of), ledger_(ledger) {}

  // Says what went wrong and ends the process: the operation itself failed.
  template <class T>
  T must(Result<T> result) {
    if (!result) give_up(result.error().sentence());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }

  [[noreturn]] void give_up(std::string_view why);

  void open();       // the domain and the channel
  void publishes();  // opens them and the lane "victim"
  void subscribes(const SubscriberOptions& options = {});

  // Holds the lane "victim", and goes on behind the messages that are there.
  void owns_lane();

  // Which message of its own comes next. In one order the sequence does not say that.
  [[nodiscard]] std::uint64_t number() const { return number_; }

  // Tells the ledger that so many are begun, or that they are published.
  void begins(std::uint64_t count = 1);
  void committed(std::uint64_t count = 1);

  // Publishes message after message in the lane "victim", as each way of publishing does it.
  void send(std::uint64_t count = 1, std::chrono::nanoseconds timeout = kForever);
  void send_batch(std::uint64_t count);

  // Sends until the next message would not fit below `end`, and has that one ready in `text`.
  void send_up_to(Position end);

  // Reads what is there, at most so many, and checks every byte.
  std::uint64_t read(std::uint64_t most = 1'000'000);

  [[nodiscard]] Ledger& ledger() { return ledger_; }

  [[nodiscard]] std::string directory() const { return ledger_.directory.data(); }

  const Order order;
  std::optional<Domain> domain;
  std::optional<Channel> channel;
  std::optional<Publisher> source;
  std::optional<Subscriber> reader;
  std::optional<Subscriber> companion;  // keeps the participant in the domain while readers change
  std::unique_ptr<Participant> member;
  Descriptor place;  // the domain's directory, where an operation needs only that
  SeenMessages seen;
  std::string text;  // prepared before the operation, so that only the operation is stepped

 private:
  [[nodiscard]] std::uint64_t room_for_text() const;

  Ledger& ledger_;
  std::uint64_t number_ = 0;
};

// The instructions between these two are the operation.
void operation_begins();
void operation_ends();

}  // namespace millrace::crash
