// A thread of the library's own: it takes none of the program's signals.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <system_error>
#include <thread>

namespace millrace {

// Not joinable if the system refused one.
template <class Body>
std::thread quiet_thread(Body body) noexcept {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread made;
  try {
    made = std::thread(body);
  } catch (const std::system_error&) {
    made = std::thread();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return made;
}

}  // namespace millrace
