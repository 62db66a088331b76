#include "millrace/core/wait.hpp"

namespace millrace {

const char* to_string(Wait wait) noexcept {
  switch (wait) {
    case Wait::spin: return "spin";
    case Wait::yield: return "yield";
    case Wait::park: return "park";
    case Wait::automatic: return "automatic";
  }
  return "unknown";
}

}  // namespace millrace
