// The others: a process that publishes in a lane of its own and reads everything, from before the
// victim comes until after it is gone. It then lets a newcomer join, takes the victim's lane over,
// cleans, and says the first thing that is not as promised.
#pragma once

#include "operation.hpp"

#include <functional>

namespace millrace::crash {

class Survivors {
 public:
  Survivors(Ledger& ledger, const Operation& operation);

  // Until the victim is about to begin, and everything stands as the operation wants it.
  void await_victim();

  // What they do until then, as the operation wants it.
  void act_until(Stage stage);

  // The victim is stopped: they go on, and whatever could take something from it is tried.
  void provoke();

  // The victim is gone: the promise is checked. `whole`: also with newcomers, a successor and a
  // cleaner, and then everybody leaves.
  void judge(bool whole);

  // For Operation::before: a process that does this in the domain and is killed.
  void let_die(const std::function<void(Actor&)>& life) const;

  // For Operation::after: a process that is killed after so many instructions of it.
  void let_die_in(const Operation& operation, std::uint32_t instructions);

  // For Operation::before: a subscriber that lives and does not read until the victim is gone.
  void add_slow_reader();

  // For Operation::judge: a channel that the victim may have made works.
  void use_channel(const char* name);

  void read_all();

 private:
  bool good() const { return ledger_.broke.load(std::memory_order_relaxed) == 0; }

  bool send(Publisher& publisher, Key key, std::chrono::nanoseconds timeout);
  void fill_a_ring(Publisher& publisher, Key key);
  void wait_in_sleep();
  void push();
  void make_way();
  void check_what_is_there();
  void check_slow_reader();
  void let_others_come();
  void take_over(Domain& domain, Subscriber& newcomer, SeenMessages& seen);
  void read(Subscriber& reader, SeenMessages& seen, const char* who);
  void clean_up();

  template <class T>
  T must(Result<T> result, const char* what);

  [[nodiscard]] bool ordered() const { return operation_.order == Order::total; }

  Ledger& ledger_;
  const Operation& operation_;
  std::optional<Domain> domain_;
  std::optional<Channel> channel_;
  std::optional<Subscriber> eyes_;
  std::optional<Subscriber> slow_;
  std::optional<Publisher> other_;
  SeenMessages seen_;
  std::array<std::uint64_t, kKeys> sent_{};  // in one order: of each producer
};

}  // namespace millrace::crash
