#include "attempt.hpp"

#include "shared_image.hpp"
#include "stepped_victim.hpp"
#include "survivors.hpp"

#include <bit>
#include <csignal>
#include <cstring>
#include <sys/time.h>
#include <sys/wait.h>
#include <system_error>
#include <unordered_map>

namespace millrace::crash {

namespace {

namespace fs = std::filesystem;

constexpr int kWatchdogSeconds = 60;
constexpr int kMissed = 4;

using Code = void (*)();

std::uint64_t address_of(Code code) {
  return std::bit_cast<std::uint64_t>(code);
}

void live(const Operation& operation, Ledger& ledger) {
  Actor actor(ledger, operation.order);
  if (operation.prepare != nullptr) operation.prepare(actor);
  ledger.enter(Stage::prepared);
  ledger.await(Stage::ready);
  operation_begins();
  operation.act(actor);
  operation_ends();
  ledger.enter(Stage::finished);
  if (operation.go_on != nullptr) operation.go_on(actor);
}

void survive(const Attempt& attempt) {
  Ledger& ledger = *attempt.ledger;
  Survivors survivors(ledger, *attempt.operation);
  ledger.enter(Stage::built);
  survivors.await_victim();
  ledger.enter(Stage::ready);
  if (attempt.fate == Fate::freeze) {
    survivors.act_until(Stage::stopped);
    if (!ledger.reached(Stage::finished)) {
      survivors.provoke();
      ledger.enter(Stage::provoked);
    }
  } else {
    survivors.act_until(Stage::finished);
  }
  while (!ledger.reached(Stage::gone)) {
    survivors.read_all();
    usleep(100);
  }
  survivors.judge(attempt.whole);
  ledger.enter(Stage::judged);
}

// Writes the whole way of the victim down, from the first instruction of the operation.
void record(const Attempt& attempt, SteppedVictim& victim) {
  SharedImage image(attempt.ledger->directory.data());
  std::unordered_map<std::uint64_t, std::uint32_t> times;
  const std::uint64_t end = address_of(operation_ends);
  std::uint32_t& count = *attempt.trace.count;
  std::uint32_t images = 0;
  for (count = 0; count < InstructionTrace::kStepsMax;) {
    const std::uint64_t code = victim.next();
    const bool again = count > 0 && attempt.trace.steps[count - 1].code == code;
    const bool call = is_system_call(code);
    attempt.trace.steps[count++] = {code, again ? 0 : ++times[code], images, call ? 1U : 0U};
    if (code == end) return;
    if (!victim.step()) return;
    const bool names = call && image.names_changed();
    if (image.bytes_changed() || names) ++images;
  }
  attempt.ledger->breaks("the operation is longer than %zu instructions",
                         InstructionTrace::kStepsMax);
}

bool reach(const Attempt& attempt, SteppedVictim& victim) {
  const Approach way = approach_to(attempt.trace, attempt.point);
  const TracedStep& anchor = attempt.trace.steps[way.anchor];
  if (way.anchor != 0 && !victim.run_to(anchor.code, anchor.times)) return false;
  for (std::uint32_t i = 0; i < way.steps; ++i) {
    if (!victim.step()) return false;
  }
  // On another way it may come by only after the operation, which is not what was asked for.
  return victim.next() == attempt.trace.steps[attempt.point].code &&
         !attempt.ledger->reached(Stage::finished);
}

// False: it never came to the point.
bool meet_fate(const Attempt& attempt, SteppedVictim& victim) {
  Ledger& ledger = *attempt.ledger;
  bool there = victim.run_to(address_of(operation_begins));
  if (there && attempt.fate == Fate::record) record(attempt, victim);
  if (attempt.fate == Fate::kill) {
    there = there && reach(attempt, victim);
    if (there) victim.kill_it();
  } else if (attempt.fate == Fate::freeze) {
    there = there && reach(attempt, victim);
    if (there) {
      victim.stop_it();
      ledger.enter(Stage::stopped);
      ledger.await(Stage::provoked);
      victim.resume();
    }
  }
  return there;
}

volatile std::sig_atomic_t seconds_left = kWatchdogSeconds;

// A tick a second, and not one alarm: while everybody is frozen, nobody hangs.
void begin_watchdog() {
  struct sigaction action {};

  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int number) {
    seconds_left = seconds_left - 1;
    if (seconds_left > 0) return;
    std::signal(number, SIG_DFL);
    raise(number);
  };
  sigaction(SIGALRM, &action, nullptr);
  const itimerval every_second{{1, 0}, {1, 0}};
  setitimer(ITIMER_REAL, &every_second, nullptr);
}

// In a process of its own; its exit code is the outcome.
int supervise(const Attempt& attempt) {
  begin_watchdog();
  Ledger& ledger = *attempt.ledger;
  const pid_t others = fork();
  if (others == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    survive(attempt);
    _exit(0);
  }
  ledger.await(Stage::built);
  if (!ledger.reached(Stage::built)) return 1;
  bool there = false;
  {
    SteppedVictim victim([&] { live(*attempt.operation, ledger); });
    there = meet_fate(attempt, victim);
    const bool lives_on = attempt.fate != Fate::kill && there;
    if (lives_on && attempt.fate != Fate::freeze) victim.run_to(0);
    if (lives_on) victim.await_end();
    if (lives_on && !victim.went_well()) ledger.breaks("the victim ended with %x", victim.status());
  }
  ledger.enter(Stage::gone);
  int status = 0;
  waitpid(others, &status, 0);
  if (!ledger.reached(Stage::judged)) ledger.breaks("a survivor ended with %x", status);
  if (ledger.broke.load(std::memory_order_relaxed) != 0) return 1;
  return there ? 0 : kMissed;
}

}  // namespace

Outcome run(const Attempt& attempt, const fs::path& scratch, const fs::path& clock) {
  Ledger& ledger = *attempt.ledger;
  new (&ledger) Ledger();
  ledger.first_death = attempt.first_death;
  std::strncpy(ledger.directory.data(), scratch.c_str(), ledger.directory.size() - 1);
  const pid_t supervisor = fork();
  if (supervisor == 0) {
    std::error_code ignored;
    fs::create_directory(scratch, ignored);
    fs::permissions(scratch, fs::perms::owner_all, ignored);
    fs::copy(clock, scratch / clock.filename(), ignored);
    const int outcome = supervise(attempt);
    fs::remove_all(scratch, ignored);
    _exit(outcome);
  }
  int status = 0;
  waitpid(supervisor, &status, 0);
  if (WIFSIGNALED(status))
    ledger.breaks("nobody came to an end: a hang (signal %d)", WTERMSIG(status));
  if (ledger.broke.load(std::memory_order_relaxed) != 0) return Outcome::broken;
  return WIFEXITED(status) && WEXITSTATUS(status) == kMissed ? Outcome::missed : Outcome::good;
}

}  // namespace millrace::crash
