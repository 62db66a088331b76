#include "process/liar_ledger.hpp"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <utility>

namespace millrace::liar {

namespace {

// What a subscriber may be told because of somebody else's lies.
bool may_be_said(Errc code) {
  return code == Errc::overrun || code == Errc::evicted || code == Errc::poisoned ||
         code == Errc::format || code == Errc::timeout;
}

bool printable(std::string_view sentence) {
  return std::ranges::all_of(sentence,
                             [](char sign) { return static_cast<unsigned char>(sign) >= ' '; });
}

}  // namespace

std::optional<std::uint32_t> lane_in(std::string_view sentence) {
  constexpr std::string_view kBefore = "lane ";
  const auto found = sentence.find(kBefore);
  if (found == std::string_view::npos) return std::nullopt;
  sentence.remove_prefix(found + kBefore.size());
  std::uint32_t lane = 0;
  const auto [end, error] =
      std::from_chars(sentence.data(), sentence.data() + sentence.size(), lane);
  return error == std::errc() && lane < kLanesMax ? std::optional(lane) : std::nullopt;
}

void Ledger::begin(bool by_release) {
  by_release_ = by_release;
  lanes_.fill({});
  unassigned_ = 0;
}

void Ledger::message(std::uint32_t lane, std::optional<std::uint64_t> number, bool right) {
  if (lane >= kLanesMax || !board_.honest[lane].load()) return;
  board_.of(who_).messages.fetch_add(1);
  Account& account = lanes_[lane];
  const std::uint64_t sequence = number.value_or(account.next.value_or(0));
  const std::uint64_t next = account.next.value_or(sequence);
  if (sequence != next) {
    if (sequence < next || (!spoilt_ && sequence - next > unassigned_)) {
      board_.broken("the %s got message %" PRIu64 " of lane %u where %" PRIu64 " was due", name(),
                    sequence, lane, next);
    }
    unassigned_ -= std::min(unassigned_, sequence - next);
  }
  account.next = sequence + 1;
  if (right) return;
  account.wrong = sequence;
  if (!by_release_) vouched();
}

void Ledger::vouched() {
  for (std::uint32_t lane = 0; lane < kLanesMax; ++lane) {
    const auto wrong = std::exchange(lanes_[lane].wrong, std::nullopt);
    if (!wrong) continue;
    board_.broken("the %s got other bytes than those of lane %u, message %" PRIu64, name(), lane,
                  *wrong);
  }
}

void Ledger::refused(const Error& error) {
  if (error.code() == Errc::timeout) return;
  board_.of(who_).errors.fetch_add(1);
  const std::string sentence(error.sentence());
  if (!may_be_said(error.code()) || !printable(sentence))
    board_.broken("the %s was told: %s", name(), sentence.c_str());
  const auto lane = lane_in(sentence);
  if (!lane) {
    unassigned_ += error.lost();
    for (Account& account : lanes_) {
      if (one_order_) account.wrong.reset();
    }
    return;
  }
  if (!board_.honest[*lane].load()) return;
  board_.of(who_).lost.fetch_add(error.lost());
  Account& account = lanes_[*lane];
  account.wrong.reset();
  if (spoilt_) return;
  if (account.next) *account.next += error.lost();
  const bool lapped = error.code() == Errc::overrun || error.code() == Errc::evicted;
  if (!lapped) board_.broken("the %s was told of an honest lane: %s", name(), sentence.c_str());
}

bool Ledger::complete() const {
  const std::uint64_t end = board_.stayers_end.load();
  const auto& next = lanes_[board_.stayers_lane.load()].next;
  // What was lost in one order names no lane: the last of the stayer may be among it.
  return end != kNotYet && (next || unassigned_ != 0) && next.value_or(0) + unassigned_ >= end;
}

}  // namespace millrace::liar
