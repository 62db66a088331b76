#include "millrace/transport/options.hpp"

#include "millrace/transport/stats.hpp"

namespace millrace {

const char* to_string(Policy policy) noexcept {
  switch (policy) {
    case Policy::block: return "block";
    case Policy::evict: return "evict";
    case Policy::lossy: return "lossy";
  }
  return "unknown";
}

const char* to_string(Order order) noexcept {
  switch (order) {
    case Order::lane: return "lane";
    case Order::total: return "total";
  }
  return "unknown";
}

const char* to_string(WhenJournalFails choice) noexcept {
  switch (choice) {
    case WhenJournalFails::block: return "block";
    case WhenJournalFails::proceed: return "proceed";
  }
  return "unknown";
}

const char* to_string(Stamps stamps) noexcept {
  switch (stamps) {
    case Stamps::off: return "off";
    case Stamps::sampled: return "sampled";
    case Stamps::all: return "all";
  }
  return "unknown";
}

const char* to_string(JournalHealth health) noexcept {
  switch (health) {
    case JournalHealth::ok: return "ok";
    case JournalHealth::stopped: return "stopped";
    case JournalHealth::full: return "full";
    case JournalHealth::down: return "down";
    case JournalHealth::poisoned: return "poisoned";
    case JournalHealth::detached: return "detached";
    case JournalHealth::absent: return "absent";
  }
  return "unknown";
}

const char* to_string(LaneLife life) noexcept {
  switch (life) {
    case LaneLife::live: return "live";
    case LaneLife::left: return "left";
    case LaneLife::died: return "died";
    case LaneLife::retired: return "retired";
  }
  return "unknown";
}

}  // namespace millrace
