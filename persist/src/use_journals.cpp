#include "millrace/persist/use_journals.hpp"

#include "lane_history.hpp"

namespace millrace {

void use_journals() noexcept {
  set_history_opener(&LogHistory::open);
}

}  // namespace millrace
