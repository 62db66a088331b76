// Real processes that take part in a domain, to be stopped, killed and left unreaped by a test.
#pragma once

#include "millrace/core/liveness.hpp"
#include "millrace/core/participant.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <new>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace millrace::testing_support {

// Waits until `condition` holds. The bound only ends a test that hangs; it measures nothing.
template <class Condition>
bool eventually(Condition condition) {
  using namespace std::chrono_literals;
  for (int naps = 0; naps < 30'000; ++naps) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

// Words that a test and its children share; zero at first.
class SharedWords {
 public:
  static constexpr std::size_t kWords = 128;

  SharedWords()
      : words_(static_cast<Word*>(mmap(nullptr, kWords * sizeof(Word), PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}

  SharedWords(const SharedWords&) = delete;
  SharedWords& operator=(const SharedWords&) = delete;

  ~SharedWords() { munmap(words_, kWords * sizeof(Word)); }

  std::atomic<std::uint64_t>& operator[](std::size_t at) const { return words_[at]; }

  // The value of a word once it is no longer zero; 0 if that never happens.
  std::uint64_t await(std::size_t at) const {
    eventually([&] { return words_[at].load() != 0; });
    return words_[at].load();
  }

 private:
  using Word = std::atomic<std::uint64_t>;
  static_assert(Word::is_always_lock_free);

  Word* words_;
};

// Closed, by the test's end or death, it ends whoever waits on it, however they are related.
class Lifeline {
 public:
  Lifeline() {
    if (pipe2(ends_, O_CLOEXEC) != 0) ends_[0] = ends_[1] = -1;
  }

  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  ~Lifeline() {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }

  // In a child: returns when the test has let go. Never use the Lifeline afterwards.
  void hold() {
    close(std::exchange(ends_[1], -1));
    char nothing = 0;
    while (read(ends_[0], &nothing, 1) < 0)
      continue;
  }

 private:
  int ends_[2] = {-1, -1};
};

// A forked child that has entered the domain, ran `then(participant)` and now does nothing.
class Member {
 public:
  template <class Then>
  Member(int domain_fd, Then then) {
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      auto participant = Participant::enter(domain_fd, "member");
      if (!participant) _exit(1);
      words_[0].store((*participant)->name().id + 1);
      words_[1].store((*participant)->name().incarnation);
      then(**participant);
      words_[2].store(1);
      for (;;)
        pause();
    }
    words_.await(2);
  }

  explicit Member(int domain_fd) : Member(domain_fd, [](Participant&) {}) {}

  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  ~Member() {
    if (pid_ <= 0) return;
    send(SIGKILL);
    reap();
  }

  [[nodiscard]] bool entered() const { return words_[2].load() == 1; }

  [[nodiscard]] ParticipantName name() const {
    return {static_cast<std::uint32_t>(words_[0].load()) - 1, words_[1].load()};
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

  void send(int signal) const { kill(pid_, signal); }

  // Sends SIGSTOP and returns when it has taken effect.
  void stop() const {
    send(SIGSTOP);
    int status = 0;
    waitpid(pid_, &status, WUNTRACED);
  }

  // Returns when the kernel has ended it, but leaves it a zombie.
  void await_death() const {
    siginfo_t ignored{};
    waitid(P_PID, static_cast<id_t>(pid_), &ignored, WEXITED | WNOWAIT);
  }

  void reap() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
  }

 private:
  pid_t pid_ = -1;
  SharedWords words_;
};

inline bool is_alive(int domain_fd, ParticipantName name) {
  const Probe answer = probe(domain_fd, name);
  return answer.life == Life::alive && !answer.failed;
}

inline bool is_dead(int domain_fd, ParticipantName name) {
  return probe(domain_fd, name).life == Life::dead;
}

}  // namespace millrace::testing_support
