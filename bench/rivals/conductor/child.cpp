#include "child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace millrace::rivals {

namespace {

constexpr int kAnswers = 3;  // where a driver writes its answers

[[noreturn]] void become(const std::vector<std::string>& command, int batons, int answers, int log,
                         pid_t parent) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(2);
  // The pipes may sit on the very numbers they must not have.
  const int in = fcntl(batons, F_DUPFD, 10);
  const int out = fcntl(answers, F_DUPFD, 10);
  const int text = fcntl(log, F_DUPFD, 10);
  if (dup2(in, STDIN_FILENO) < 0 || dup2(out, kAnswers) < 0 || dup2(text, STDOUT_FILENO) < 0 ||
      dup2(text, STDERR_FILENO) < 0) {
    _exit(2);
  }
  close_range(kAnswers + 1, ~0U, 0);
  std::vector<char*> words;
  for (const std::string& word : command)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  dprintf(STDERR_FILENO, "cannot start %s\n", words[0]);
  _exit(2);
}

std::string last_line(const std::string& path) {
  std::ifstream in(path);
  std::string last;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) last = line;
  }
  return last.empty() ? "it said nothing" : last;
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& command, const std::string& log) {
  std::array<int, 2> batons{};
  std::array<int, 2> answers{};
  if (pipe2(batons.data(), O_CLOEXEC) != 0) return fail_os(errno, "cannot make a pipe");
  const Descriptor batons_in(batons[0]);
  Descriptor batons_out(batons[1]);
  if (pipe2(answers.data(), O_CLOEXEC) != 0) return fail_os(errno, "cannot make a pipe");
  Descriptor answers_in(answers[0]);
  const Descriptor answers_out(answers[1]);
  const Descriptor text(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!text.valid()) return fail_os(errno, "cannot write %s", log.c_str());
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail_os(errno, "cannot start %s", command.front().c_str());
  if (pid == 0) become(command, batons_in.get(), answers_out.get(), text.get(), parent);
  return Child(pid, std::move(batons_out), std::move(answers_in), log);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      batons_(std::move(other.batons_)),
      answers_(std::move(other.answers_)),
      log_(std::move(other.log_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, 0);
  batons_ = std::move(other.batons_);
  answers_ = std::move(other.answers_);
  log_ = std::move(other.log_);
  return *this;
}

Failure Child::reason(const char* what) const {
  return fail(Errc::system, "%s: %s", what, last_line(log_).c_str());
}

Result<void> Child::baton() noexcept {
  const char byte = '.';
  if (write(batons_.get(), &byte, 1) != 1) return reason("the driver has ended");
  return {};
}

Result<void> Child::take_answer() noexcept {
  char byte = 0;
  if (read(answers_.get(), &byte, 1) != 1) return reason("the driver has ended");
  return {};
}

Result<void> Child::await(std::vector<Child*> children, double seconds) noexcept {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!children.empty()) {
    std::vector<pollfd> waiting;
    for (const Child* one : children)
      waiting.push_back({.fd = one->answers_.get(), .events = POLLIN, .revents = 0});
    const std::chrono::duration<double, std::milli> left =
        deadline - std::chrono::steady_clock::now();
    const int ready = poll(waiting.data(), waiting.size(), std::max(0, int(left.count())));
    if (ready < 0) return fail_os(errno, "interrupted");
    if (ready == 0) {
      return fail(Errc::timeout, "no answer for %.0f s; its log ends with: %s", seconds,
                  last_line(children.front()->log_).c_str());
    }
    for (std::size_t i = waiting.size(); i-- != 0;) {
      if (waiting[i].revents == 0) continue;
      if (auto answered = children[i]->take_answer(); !answered) return answered;
      children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return {};
}

void Child::kill_hard() noexcept {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

bool Child::gone_within(int tries) noexcept {
  for (; tries != 0; --tries) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = 0;
      return true;
    }
    usleep(10'000);
  }
  return false;
}

void Child::end() noexcept {
  if (pid_ <= 0) return;
  batons_ = Descriptor();  // a driver that sleeps leaves by itself
  if (gone_within(50)) return;
  kill(pid_, SIGTERM);
  if (!gone_within(200)) kill_hard();
}

}  // namespace millrace::rivals
