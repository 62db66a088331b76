// Messages that can be checked by whoever gets them: the key says which producer sent it, the
// sequence which bytes it must have. In one order the sequence counts the messages of all
// producers, and the bytes say themselves which of its producer's messages it is.
#pragma once

#include "millrace/transport/message.hpp"
#include "millrace/transport/options.hpp"
#include "numbered_text.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>

namespace millrace::crash {

enum Key : std::uint16_t {
  kNobody = 0,
  kVictim = 1,
  kOther = 2,
  kStranger = 3,
  kDead = 4,
  kKeys = 8
};

class SeenMessages {
 public:
  static constexpr std::uint64_t kNothingYet = ~std::uint64_t{0};

  explicit SeenMessages(Order order = Order::lane) : ordered_(order == Order::total) {
    next_.fill(kNothingYet);
  }

  // False if the message is torn, out of order, missing one before it, or there twice.
  bool take(const Message& message) {
    const std::uint16_t key = message.key();
    if (key == kNobody || key >= kKeys) return wrong(message, "a key that nobody uses");
    if (ordered_ && !follows(message)) return wrong(message, "a gap in the order");
    const std::uint64_t number = ordered_ ? number_in(message.text()) : message.sequence();
    std::uint64_t& next = next_[key];
    if (next == kNothingYet) next = number;
    if (number != next) {
      return wrong(message, ("expected message " + std::to_string(next)).c_str());
    }
    if (message.text() != testing_support::numbered_text(next)) {
      return wrong(message, "its bytes are not the ones that were written");
    }
    ++next;
    return true;
  }

  // What was lost is told, exactly.
  void pass(std::uint16_t key, std::uint64_t lost) {
    if (next_[key] != kNothingYet) next_[key] += lost;
  }

  // Number of the message that comes next; 0 if there was none.
  [[nodiscard]] std::uint64_t next(std::uint16_t key) const {
    return next_[key] == kNothingYet ? 0 : next_[key];
  }

  void expect_from(std::uint16_t key, std::uint64_t sequence) { next_[key] = sequence; }

  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  bool follows(const Message& message) {
    const bool dense = in_order_ == kNothingYet || message.sequence() == in_order_;
    in_order_ = message.sequence() + 1;
    return dense;
  }

  static std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = kNothingYet;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }

  bool wrong(const Message& message, const char* what) {
    why_ = "message " + std::to_string(message.sequence()) + " of producer " +
           std::to_string(message.key()) + " in lane " + std::to_string(message.lane()) + ": " +
           what;
    return false;
  }

  bool ordered_;
  std::uint64_t in_order_ = kNothingYet;
  std::array<std::uint64_t, kKeys> next_;
  std::string why_;
};

}  // namespace millrace::crash
