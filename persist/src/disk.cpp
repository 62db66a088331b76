#include "millrace/persist/disk.hpp"

namespace millrace {

const char* to_string(Durability mode) noexcept {
  switch (mode) {
    case Durability::dsync: return "dsync";
    case Durability::flush: return "flush";
    case Durability::buffered: return "buffered";
  }
  return "unknown";
}

}  // namespace millrace
