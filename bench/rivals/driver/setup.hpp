// What the conductor tells a driver on its command line:
//   PROGRAM RIVAL PAGE ROLE PATTERN BYTES RECEIVERS SCOPE DIRECTORY
// the same words in the same order for drivers in C++, Rust and Java.
#pragma once

#include "rival_page_layout.hpp"

#include <cstddef>
#include <string>

namespace millrace::rivals {

enum class Role {
  leader,     // sends there, receives back; times
  follower,   // receives there, sends back
  both,       // an in-process rival: the follower is a second thread
  publisher,  // kill: one of many
  consumer,   // kill: the one that survives
  victim,     // kill: the consumer that does not
};

// What a channel is for; a rival with socket types picks by it.
enum class Pattern {
  pair,       // one sender, one receiver
  broadcast,  // one sender, every receiver gets everything
  gather,     // many senders, one receiver
};

struct Setup {
  std::string rival;  // a program may speak for several
  RivalPage* page = nullptr;
  Role role = Role::leader;
  Pattern pattern = Pattern::pair;
  std::size_t bytes = 0;      // of every message, 32 or more
  std::size_t receivers = 1;  // broadcast: in all processes together
  std::string scope;          // unique to this pair: channel names begin with it
  std::string directory;      // for files; gone after the run
};

// Ends the process with a sentence that the conductor shows.
[[noreturn]] void give_up(const std::string& sentence);

// The same, with what errno says.
[[noreturn]] void give_up_os(const std::string& what);

[[nodiscard]] Setup read_setup(int argc, char** argv);

// The idle pair sleeps here. Leaves the process when the conductor has gone.
void wait_for_baton();

// One byte to the conductor: ready, or done.
void answer();

// CLOCK_MONOTONIC: the same in every process and runtime.
[[nodiscard]] std::uint64_t now_ns() noexcept;

// The calling thread is the one to pin.
void name_thread(std::uint32_t& tid);

}  // namespace millrace::rivals
