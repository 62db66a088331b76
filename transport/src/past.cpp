#include "past.hpp"

namespace millrace::detail {

Result<void> Past::open() {
  if (history_) return {};
  if (channel_.journal.state() == layout::JournalState::absent) {
    return fail(Errc::journal_unavailable,
                "channel \"%s\": no journal has come since the channel was made, so nobody knows "
                "its past; start one with `millrace record %s --journal %s`",
                channel_.name.c_str(), channel_.name.c_str(), channel_.options.journal.c_str());
  }
  auto opened = open_history(channel_.options.journal, channel_.journal.channel_in_log());
  if (!opened) return Failure(opened.error());
  history_ = std::move(*opened);
  return {};
}

Result<std::unique_ptr<LaneHistory>> Past::lane(std::string_view producer) {
  if (auto opened = open(); !opened) return Failure(opened.error());
  auto found = history_->lane(producer);
  if (!found && found.error().code() == Errc::not_found) return std::unique_ptr<LaneHistory>();
  return found;
}

Result<std::optional<Sequence>> Past::remembered(std::string_view subscriber,
                                                 std::string_view producer) {
  if (auto opened = open(); !opened) return Failure(opened.error());
  auto found = history_->remembered(subscriber, producer);
  if (!found && found.error().code() == Errc::not_found) return std::optional<Sequence>();
  return found;
}

}  // namespace millrace::detail
