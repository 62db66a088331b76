#include "run_conduct.hpp"

#include "millrace/core/clock.hpp"
#include "run_figures.hpp"
#include "signals.hpp"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <thread>

namespace millrace::tools {
namespace {

constexpr std::chrono::microseconds kQuickLook{500};
constexpr std::chrono::milliseconds kSlowLook{5};
constexpr std::uint64_t kSecondNs = 1'000'000'000;
// After the user wanted the end: so long nothing may move before we leave, and then kill.
constexpr std::uint64_t kSilenceNs = 5 * kSecondNs;
constexpr std::uint64_t kGraceNs = 3 * kSecondNs;

}  // namespace

RunConductor::RunConductor(const RunOptions& options, const RunPage& page,
                           RunProcesses& processes) noexcept
    : options_(options), page_(page), processes_(processes) {
  course_.publisher_died.resize(options.publishers);
  course_.subscriber_died.resize(options.subscribers);
}

bool RunConductor::await_recorder() {
  while (!all_reached(RunPhase::place) && page_.stop() != RunStop::everything)
    pass_a_moment(RunPhase::start);
  return course_.refused == Errc{} && page_.stop() != RunStop::everything;
}

RunCourse RunConductor::conduct() {
  for (const RunPhase phase : {RunPhase::place, RunPhase::bare_before, RunPhase::listen,
                               RunPhase::publish, RunPhase::bare_after}) {
    // With a player dead, the other would wait in vain.
    if (phase == RunPhase::bare_after && course_.deaths) break;
    advance(phase);
    if (course_.refused != Errc{} || page_.stop() == RunStop::everything) break;
  }
  leave();
  return std::move(course_);
}

void RunConductor::advance(RunPhase phase) {
  RunHeader& header = page_.header();
  // Both players wait for the phase: the words of the game before may be set right.
  header.ping.store(header.pong.load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (phase == RunPhase::publish) shown_ns_ = publishing_since_ns_ = monotonic_ns();
  page_.raise(phase);
  while (!all_reached(phase) && page_.stop() != RunStop::everything)
    pass_a_moment(phase);
}

void RunConductor::pass_a_moment(RunPhase phase) {
  if (phase == RunPhase::publish &&
      monotonic_ns() - publishing_since_ns_ >
          static_cast<std::uint64_t>(std::chrono::nanoseconds(kSlowLook).count())) {
    std::this_thread::sleep_for(kSlowLook);
  } else {
    std::this_thread::sleep_for(kQuickLook);
  }
  notice_deaths();
  hear_the_user();
  if (phase != RunPhase::publish) return;
  stop_when_it_is_time();
  if (!options_.quiet && !options_.domain.json) show_line();
}

bool RunConductor::all_reached(RunPhase phase) {
  return std::all_of(processes_.all().begin(), processes_.all().end(),
                     [&](const RunProcess& process) {
                       // Publishers have nothing to do in `listen`.
                       const bool passes = process.role == RunRole::recorder
                                               ? phase != RunPhase::place
                                               : phase == RunPhase::listen && process.publisher();
                       return !process.alive || passes || has_reached(words_of(process), phase);
                     });
}

ChildWords& RunConductor::words_of(const RunProcess& process) const {
  switch (process.role) {
    case RunRole::publisher: return page_.publisher(process.number).child;
    case RunRole::subscriber: return page_.subscriber(process.number).child;
    case RunRole::recorder: break;
  }
  return page_.header().recorder.child;
}

void RunConductor::notice_deaths() {
  std::vector<pid_t> alive;
  for (const RunProcess& process : processes_.all()) {
    if (process.alive) alive.push_back(process.pid);
  }
  if (!processes_.reap()) return;
  for (RunProcess& process : processes_.all()) {
    if (!process.alive && std::find(alive.begin(), alive.end(), process.pid) != alive.end()) {
      notice_death(process);
    }
  }
}

void RunConductor::notice_death(RunProcess& process) {
  const ChildWords& words = words_of(process);
  const bool left = WIFEXITED(process.status) && WEXITSTATUS(process.status) == 0;
  if (left && (page_.phase() == RunPhase::leave || page_.stop() == RunStop::everything)) return;
  explain_death(process, words);
  if (process.role == RunRole::recorder) return lose_recorder();
  if (process.publisher()) {
    course_.publisher_died[process.number] = true;
    auto& end = page_.publisher(process.number).end;
    if (end.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(LaneEnd::open)) {
      // [sync:run-lane-end] Release, as the publisher itself would have done it.
      end.store(static_cast<std::uint32_t>(LaneEnd::died), std::memory_order_release);
    }
    page_.header().lanes_ended.fetch_add(1, std::memory_order_relaxed);  // a hint: too many is fine
  } else {
    course_.subscriber_died[process.number] = true;
  }
  const auto& died = course_.subscriber_died;
  // The last one who listened is gone: what is published now nobody checks.
  if (!died.empty() && std::find(died.begin(), died.end(), false) == died.end() &&
      page_.stop() == RunStop::none) {
    page_.order(RunStop::publishing);
  }
}

// Nothing becomes durable any more: what was is delivered, then everybody ends.
void RunConductor::lose_recorder() {
  course_.recorder_died = true;
  page_.header().recorder.gone.store(1, std::memory_order_relaxed);
  if (page_.stop() == RunStop::none) page_.order(RunStop::publishing);
}

void RunConductor::explain_death(const RunProcess& process, const ChildWords& words) {
  course_.deaths = true;
  // [sync:run-failed] Acquire: the sentence is complete.
  const auto code = static_cast<Errc>(words.failed.load(std::memory_order_acquire));
  const std::string sentence(words.sentence.data(),
                             strnlen(words.sentence.data(), words.sentence.size()));
  if (code != Errc{} && words.at_setup != 0) {
    if (course_.refused == Errc{}) {
      course_.refused = code;
      course_.refusal = sentence;
      course_.recorder_refused = process.role == RunRole::recorder;
    }
    page_.order(RunStop::everything);
  } else if (code != Errc{}) {
    course_.troubles.push_back(process.name() + " failed: " + sentence);
  } else if (WIFSIGNALED(process.status)) {
    const int signal = WTERMSIG(process.status);
    course_.troubles.push_back(process.name() + " was killed by signal " + std::to_string(signal) +
                               " (" + strsignal(signal) + ")" +
                               (signal == SIGBUS && process.publisher() && !options_.telemetry()
                                    ? ": was the input cut short while it was replayed?"
                                    : ""));
  } else {
    course_.troubles.push_back(process.name() + " ended by itself with exit code " +
                               std::to_string(WEXITSTATUS(process.status)));
  }
}

void RunConductor::hear_the_user() {
  if (!end_requested()) return;
  const std::uint64_t now_ns = monotonic_ns();
  if (!course_.interrupted) {
    course_.interrupted = true;
    ended_ns_ = now_ns;
    // Before the first message there is nothing to bring to an end.
    page_.order(page_.phase() < RunPhase::publish ? RunStop::everything : RunStop::publishing);
  }
  const std::uint64_t moved = progress();
  if (moved != last_progress_) ended_ns_ = now_ns;
  last_progress_ = moved;
  if (now_ns - ended_ns_ > kSilenceNs) page_.order(RunStop::everything);
}

std::uint64_t RunConductor::progress() const {
  std::uint64_t moved = 0;
  for (std::uint32_t each = 0; each < options_.publishers; ++each) {
    moved += page_.publisher(each).published.load(std::memory_order_relaxed);
  }
  for (std::uint32_t each = 0; each < options_.subscribers; ++each) {
    const SubscriberWords& words = page_.subscriber(each);
    moved += words.received.load(std::memory_order_relaxed);
    moved += words.lost.load(std::memory_order_relaxed);
  }
  return moved;
}

void RunConductor::stop_when_it_is_time() {
  const auto limit = options_.duration();
  if (limit == kForever || page_.stop() != RunStop::none) return;
  const std::uint64_t since_ns = monotonic_ns() - publishing_since_ns_;
  if (since_ns >= static_cast<std::uint64_t>(limit.count())) page_.order(RunStop::publishing);
}

std::string RunConductor::missing(RunPhase phase) {
  for (const RunProcess& process : processes_.all()) {
    if (process.alive && !has_reached(words_of(process), phase)) return process.name();
  }
  return "nobody";
}

void RunConductor::show_line() {
  const std::uint64_t now_ns = monotonic_ns();
  if (now_ns - shown_ns_ < kSecondNs) return;
  std::uint64_t published = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  for (std::uint32_t each = 0; each < options_.publishers; ++each) {
    published += page_.publisher(each).published.load(std::memory_order_relaxed);
  }
  for (std::uint32_t each = 0; each < options_.subscribers; ++each) {
    received += page_.subscriber(each).received.load(std::memory_order_relaxed);
    lost += page_.subscriber(each).lost.load(std::memory_order_relaxed);
  }
  const double seconds = static_cast<double>(now_ns - shown_ns_) / 1e9;
  const double rate = static_cast<double>(published - shown_published_) / seconds;
  std::fprintf(stderr, "%4.0f s  published %s (%s/s)  received %s  lost %s",
               static_cast<double>(now_ns - publishing_since_ns_) / 1e9, grouped(published).c_str(),
               grouped(static_cast<std::uint64_t>(rate)).c_str(), grouped(received).c_str(),
               grouped(lost).c_str());
  const std::uint64_t moved = progress();
  if (moved == shown_progress_)
    std::fprintf(stderr, "  waiting for %s", missing(RunPhase::publish).c_str());
  std::fputc('\n', stderr);
  shown_ns_ = now_ns;
  shown_published_ = published;
  shown_progress_ = moved;
}

void RunConductor::leave() {
  page_.raise(RunPhase::leave);
  std::uint64_t began_ns = monotonic_ns();
  while (processes_.any_alive()) {
    std::this_thread::sleep_for(kQuickLook);
    notice_deaths();
    hear_the_user();
    // Who ends in good order may take its time: it gives back memory.
    if (!course_.interrupted && page_.stop() != RunStop::everything) {
      began_ns = monotonic_ns();
    } else if (monotonic_ns() - began_ns > kGraceNs) {
      give_up_on_the_silent();
    }
  }
}

void RunConductor::give_up_on_the_silent() {
  for (RunProcess& process : processes_.all()) {
    if (!process.alive) continue;
    course_.deaths = true;
    if (process.role == RunRole::recorder) {
      course_.recorder_died = true;
    } else {
      (process.publisher() ? course_.publisher_died : course_.subscriber_died)[process.number] =
          true;
    }
    course_.troubles.push_back(process.name() + " did not answer any more, so it was killed");
    processes_.kill(process);
  }
}

}  // namespace millrace::tools
