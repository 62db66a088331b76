// What the harness kills: a table of operations. Each says what the others have done before the
// victim comes, what the victim does before, in, and after the operation.
#pragma once

#include "actor.hpp"

#include <span>
#include <string_view>

namespace millrace::crash {

class Survivors;

// What the survivors do while the victim acts.
enum class Meanwhile : std::uint8_t {
  nothing,
  sleep,    // a subscriber sleeps, for whoever publishes to wake
  push,     // a publisher publishes into a ring that is full
  make_way  // they read only once the victim waits for it
};

struct Operation {
  const char* name;
  void (*act)(Actor&);
  void (*prepare)(Actor&) = nullptr;
  void (*go_on)(Actor&) = nullptr;  // after it was stopped in the operation and resumed
  Policy policy = Policy::block;
  Order order = Order::lane;
  Meanwhile meanwhile = Meanwhile::nothing;
  void (*before)(Survivors&) = nullptr;
  void (*judge)(Survivors&) = nullptr;
  const Operation* after = nullptr;  // the one in which somebody died before, at each image of it
  bool waits = false;                // for others, so its way is not the same each time
  bool flawed = false;               // planted: the search must find it
};

// In the order in which they are reported.
std::span<const Operation> publishing_operations();
std::span<const Operation> reading_operations();
std::span<const Operation> membership_operations();
std::span<const Operation> making_operations();
std::span<const Operation> repairing_operations();
std::span<const Operation> ordered_operations();
std::span<const Operation> flawed_operations();

}  // namespace millrace::crash
