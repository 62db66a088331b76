#include "millrace/transport/history.hpp"

#include <atomic>

namespace millrace {

namespace {

std::atomic<HistoryOpener>& opener_here() noexcept {
  static std::atomic<HistoryOpener> opener{nullptr};
  return opener;
}

}  // namespace

void set_history_opener(HistoryOpener opener) noexcept {
  opener_here().store(opener, std::memory_order_relaxed);  // a function: it brings no data with it
}

Result<std::unique_ptr<History>> open_history(const std::string& directory, const Uuid& channel) {
  const HistoryOpener opener = opener_here().load(std::memory_order_relaxed);
  if (opener == nullptr) {
    return fail(Errc::journal_unavailable,
                "what the ring no longer holds lies in the journal %s, and this program cannot "
                "read journals: link millrace::persist and call millrace::use_journals() first",
                directory.c_str());
  }
  return opener(directory, channel);
}

}  // namespace millrace
