// Runs the real millrace command: to its end, or beside the test, which may talk to it, stop it and
// kill it. Nothing that was started outlives the test.
#pragma once

#include "millrace/core/descriptor.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace millrace::testing_support {

struct Outcome {
  int exit_code = -1;  // -1: killed by a signal
  std::string out;
  std::string err;
};

class Command {
 public:
  // Begins at once. `directory` becomes $MILLRACE_DIR.
  Command(const std::string& directory, const std::vector<std::string>& arguments)
      : Command(directory, MILLRACE_BIN_DIR "/millrace", arguments) {}

  Command(const std::string& directory, const char* program,
          const std::vector<std::string>& arguments) {
    auto in = make_pipe();
    auto out = make_pipe();
    auto err = make_pipe();
    std::vector<char*> words = {const_cast<char*>(program)};
    for (const std::string& word : arguments)
      words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(in[0].get(), STDIN_FILENO);
      dup2(out[1].get(), STDOUT_FILENO);
      dup2(err[1].get(), STDERR_FILENO);
      setenv("MILLRACE_DIR", directory.c_str(), 1);
      execv(program, words.data());
      _exit(127);
    }
    in_ = std::move(in[1]);
    out_ = std::move(out[0]);
    err_ = std::move(err[0]);
    signal(SIGPIPE, SIG_IGN);
  }

  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  ~Command() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  void send(int signal) const noexcept { kill(pid_, signal); }

  // To its standard input, which stays open.
  [[nodiscard]] bool say(std::string_view text) const {
    return write(in_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  // Reads its standard output until it holds so many bytes. False if it ends before.
  [[nodiscard]] bool hear(std::size_t bytes) {
    while (outcome_.out.size() < bytes) {
      if (!read_some(out_, outcome_.out)) return false;
    }
    return true;
  }

  // Nobody reads what it says any more.
  void stop_listening() noexcept { out_.close(); }

  // Gives it `input`, closes its standard input, and waits for its end.
  Outcome finish(std::string_view input = {}) {
    fcntl(in_.get(), F_SETFL, O_NONBLOCK);
    if (input.empty()) in_.close();
    while (out_.valid() || err_.valid()) {
      std::array<pollfd, 3> waits = {
          {{in_.get(), POLLOUT, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
      poll(waits.data(), waits.size(), -1);
      if (waits[0].revents != 0) give(input);
      if (waits[1].revents != 0 && !read_some(out_, outcome_.out)) out_.close();
      if (waits[2].revents != 0 && !read_some(err_, outcome_.err)) err_.close();
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    if (WIFEXITED(status)) outcome_.exit_code = WEXITSTATUS(status);
    return outcome_;
  }

 private:
  static std::array<Descriptor, 2> make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
    return {Descriptor(ends[0]), Descriptor(ends[1])};
  }

  static bool read_some(const Descriptor& from, std::string& to) {
    std::array<char, 65536> piece{};
    const ssize_t got = read(from.get(), piece.data(), piece.size());
    if (got > 0) to.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EINTR);
  }

  void give(std::string_view& input) {
    const ssize_t wrote = write(in_.get(), input.data(), input.size());
    if (wrote > 0) input.remove_prefix(static_cast<std::size_t>(wrote));
    if (input.empty() || (wrote < 0 && errno != EAGAIN && errno != EINTR)) in_.close();
  }

  pid_t pid_ = -1;
  Descriptor in_;
  Descriptor out_;
  Descriptor err_;
  Outcome outcome_;
};

inline Outcome run(const std::string& directory, const std::vector<std::string>& arguments,
                   std::string_view input = {}) {
  return Command(directory, arguments).finish(input);
}

// Asks `condition` until it holds; false after a minute, which is a watchdog and no measurement.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    usleep(5'000);
  }
  return true;
}

}  // namespace millrace::testing_support
