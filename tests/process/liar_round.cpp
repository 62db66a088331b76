#include "process/liar_round.hpp"

#include "process/liar_message.hpp"
#include "support/scratch_directory.hpp"

#include <array>
#include <cinttypes>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace millrace::liar {

namespace {

using Clock = std::chrono::steady_clock;
using Life = void (*)(Board&, const RoundPlan&);

struct Part {
  Who who;
  Life life;
};

constexpr std::array kParts{Part{Who::stayer, stay}, Part{Who::comer, come_and_go},
                            Part{Who::poller, poll}, Part{Who::handler, handle},
                            Part{Who::peeker, peek}, Part{Who::onlooker, look_on}};

const char* name_of(Who who) {
  return kVictimNames[static_cast<std::size_t>(who)];
}

class Round {
 public:
  explicit Round(const RoundChoice& choice) : choice_(choice), board_(Board::create()) {
    plan_.seed = mix(choice.seed);
    plan_.policy = choice.policy;
    plan_.order = choice.order;
    plan_.spoilt = choice.order == Order::total && choice.role == Role::publisher;
    plan_.ring_bytes = std::uint64_t{4096} << plan_.seed % 3;
    plan_.domain = make_shared_domain(scratch_.path());
  }

  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  ~Round() {
    for (const pid_t child : children_)
      end(child);
    end(liar_);
    Board::destroy(board_);
  }

  Outcome run() {
    if (plan_.domain.empty() || !make_channel(plan_, choice_.role)) {
      board_->broken("no channel can be made");
    }
    for (const Part& part : kParts) {
      if (!board_->said.load()) begin(part);
    }
    if (!board_->said.load()) let_lie();
    if (!board_->said.load()) await_the_end();
    return outcome();
  }

 private:
  static void end(pid_t& child) {
    if (child <= 0) return;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    child = 0;
  }

  static void end(const pid_t& child) {
    pid_t copy = child;
    end(copy);
  }

  pid_t& child_of(Who who) { return children_[static_cast<std::size_t>(who)]; }

  // One after the other, so that the stayer's lane is lane 0 and everybody is there in time.
  void begin(const Part& part) {
    const pid_t child = fork();
    if (child == 0) {
      become_victim();
      part.life(*board_, plan_);
      _exit(0);
    }
    child_of(part.who) = child;
    watch("enter", [&] { return board_->of(part.who).ready.load(); });
  }

  void let_lie() {
    board_->phase.store(Phase::lie);
    const auto until = Clock::now() + choice_.lies_for;
    for (std::uint64_t life = 0; Clock::now() < until && !board_->said.load(); ++life) {
      start_liar(life);
      while (Clock::now() < until && !board_->said.load() && liar_lives()) {
        look_after_victims();
        usleep(1000);
      }
      if (liar_ == 0) board_->liars_deaths.fetch_add(1);
      end(liar_);
    }
  }

  void start_liar(std::uint64_t life) {
    LiarPlan plan{
        .role = choice_.role, .own_rights = has_own_rights(), .seed = mix(plan_.seed + life)};
    liar_ = fork();
    if (liar_ != 0) return;
    become_liar();
    lie(*board_, plan_, plan);
  }

  // What becomes of the liar is nobody's business but its own.
  bool liar_lives() {
    if (waitpid(liar_, nullptr, WNOHANG) != liar_) return true;
    liar_ = 0;
    return false;
  }

  void look_after_victims() {
    for (const Part& part : kParts) {
      int status = 0;
      pid_t& child = child_of(part.who);
      if (child <= 0 || waitpid(child, &status, WNOHANG) != child) continue;
      child = 0;
      if (WIFSIGNALED(status)) {
        board_->broken("the %s died of signal %d", name_of(part.who), WTERMSIG(status));
      } else if (WEXITSTATUS(status) != 0) {
        board_->broken("the %s ended with code %d", name_of(part.who), WEXITSTATUS(status));
      }
    }
  }

  template <class Condition>
  void watch(const char* what, Condition condition) {
    const auto until = Clock::now() + kPatience + kPatience / 2;
    while (!condition() && !board_->said.load()) {
      look_after_victims();
      if (Clock::now() > until) board_->broken("somebody hangs: %s", what);
      usleep(500);
    }
  }

  // The liar is dead: nothing of it may hold anybody.
  void await_the_end() {
    board_->phase.store(Phase::after);
    for (const Who who : {Who::stayer, Who::poller, Who::handler})
      watch(name_of(who), [&] { return board_->of(who).done.load(); });
    board_->phase.store(Phase::stop);
    for (const Part& part : kParts)
      watch(name_of(part.who), [&] { return child_of(part.who) <= 0; });
  }

  Outcome outcome() {
    // Whoever said that the promise is broken may still be writing it down.
    for (int naps = 0; board_->said.load() && !board_->heard.load() && naps < 1000; ++naps)
      usleep(1000);
    Outcome made;
    if (board_->said.load()) made.broken = board_->sentence.data();
    made.lies = board_->lies.load();
    made.liars_deaths = board_->liars_deaths.load();
    for (const VictimReport& report : board_->victims) {
      made.messages += report.messages.load();
      made.errors += report.errors.load();
      made.lost += report.lost.load();
      made.openings += report.openings.load();
      made.shut_out += report.shut_out.load();
    }
    return made;
  }

  RoundChoice choice_;
  RoundPlan plan_;
  testing_support::ScratchDirectory scratch_;
  Board* board_;
  std::array<pid_t, kVictims> children_{};
  pid_t liar_ = 0;
};

}  // namespace

void Outcome::add(const Outcome& other) {
  lies += other.lies;
  messages += other.messages;
  errors += other.errors;
  lost += other.lost;
  openings += other.openings;
  shut_out += other.shut_out;
  liars_deaths += other.liars_deaths;
}

Outcome run_round(const RoundChoice& choice) {
  return Round(choice).run();
}

}  // namespace millrace::liar
