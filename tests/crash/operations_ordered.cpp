// The same operations in a channel with one total order: what they do is the same, what they write
// is not. A publish swaps a word of the order in; what a dead publisher left without one nobody
// gets, and its successor marks the end of it.
#include "operation.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace millrace::crash {

namespace {

// Those that do something in a channel.
bool has_order(const Operation& operation) {
  const std::string_view name = operation.name;
  return name != "enter a domain" && name != "leave a domain";
}

constexpr const char* kSuffix = ", in one order";

class OrderedOperations {
 public:
  OrderedOperations() {
    for (const auto table : {publishing_operations(), reading_operations(), membership_operations(),
                             making_operations(), repairing_operations()}) {
      for (const Operation& one : table) {
        if (has_order(one)) add(one);
      }
    }
    for (Operation& one : made_) {
      if (one.after != nullptr) one.after = &ordered(*one.after);
    }
  }

  [[nodiscard]] std::span<const Operation> all() const { return made_; }

 private:
  void add(Operation operation) {
    names_.push_back(std::string(operation.name) + kSuffix);
    operation.name = names_.back().c_str();
    operation.order = Order::total;
    made_.push_back(operation);
  }

  [[nodiscard]] const Operation& ordered(const Operation& plain) const {
    return *std::ranges::find(made_, std::string(plain.name) + kSuffix, &Operation::name);
  }

  std::deque<std::string> names_;  // they stay where they are
  std::vector<Operation> made_;
};

}  // namespace

std::span<const Operation> ordered_operations() {
  static const OrderedOperations kOperations;
  return kOperations.all();
}

}  // namespace millrace::crash
