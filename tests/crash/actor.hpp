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
  explicit Actor(Ledger& ledger) : ledger_(ledger) {}

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

  // Publishes message after message in the lane "victim", as each way of publishing does it.
  void send(std::uint64_t count = 1, std::chrono::nanoseconds timeout = kForever);
  void send_batch(std::uint64_t count);

  // Sends until the next message would not fit below `end`, and has that one ready in `text`.
  void send_up_to(Position end);

  // Reads what is there, at most so many, and checks every byte.
  std::uint64_t read(std::uint64_t most = 1'000'000);

  [[nodiscard]] Ledger& ledger() { return ledger_; }

  [[nodiscard]] std::string directory() const { return ledger_.directory.data(); }

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
  Ledger& ledger_;
};

// The instructions between these two are the operation.
void operation_begins();
void operation_ends();

}  // namespace millrace::crash
