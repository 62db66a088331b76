#include "run_child.hpp"

#include "millrace/core/domain_directory.hpp"
#include "millrace/core/topology.hpp"
#include "report.hpp"
#include "run_bare.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr long kLookNs = 100'000;

// Ctrl-C reaches the whole foreground group, but it is the parent that ends us, in good order. If
// the parent is gone, nobody would: so the kernel does.
bool follow_parent(std::int32_t parent_pid) noexcept {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(signal, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Sleeps end when they should, not 50 us later: rates depend on it.
  prctl(PR_SET_TIMERSLACK, 1);
  return getppid() == parent_pid;  // it may have died before the call above
}

// On one processor until the end of the scope, then where this thread was allowed before.
class Stay {
 public:
  explicit Stay(std::int32_t cpu) noexcept {
    if (sched_getaffinity(0, sizeof before_, &before_) != 0) return;
    stays_ = pin_this_thread(static_cast<unsigned>(cpu)).has_value();
  }

  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;

  ~Stay() {
    if (stays_) sched_setaffinity(0, sizeof before_, &before_);
  }

 private:
  cpu_set_t before_{};
  bool stays_ = false;
};

Result<Clock> open_clock(const std::string& domain) {
  const auto directory = DomainDirectory::open(domain, false);
  if (!directory) return Failure(directory.error());
  return Clock::open(directory->fd());
}

// Null: there is no such role.
ChildWords* words_of(const RunPage& page, std::string_view role, std::uint32_t number) {
  const RunSettings& settings = page.settings();
  if (role == "publisher" && number < settings.publishers) return &page.publisher(number).child;
  if (role == "subscriber" && number < settings.subscribers) return &page.subscriber(number).child;
  if (role == "recorder" && settings.durable != 0) return &page.header().recorder.child;
  return nullptr;
}

Result<void> take_role(const RunPage& page, ChildWords& words, std::string_view role,
                       std::uint32_t number) {
  if (words.cpu >= 0) {
    if (auto pinned = pin_this_thread(static_cast<unsigned>(words.cpu)); !pinned) return pinned;
  }
  const std::string path = page.settings().domain.data();
  const std::string name = "run-" + std::string(role) + "-" + std::to_string(number);
  auto domain = Domain::open({.path = path, .participant = name, .create = false});
  if (!domain) return Failure(domain.error());
  if (role == "recorder") return record_in_run(page, *domain);
  auto channel = domain->find(page.settings().channel.data());
  if (!channel) return Failure(channel.error());
  const auto clock = open_clock(path);
  if (!clock) return Failure(clock.error());
  const RunChild child{page, words, number, std::move(*channel), *clock};
  return role == "publisher" ? publish_in_run(child) : subscribe_in_run(child);
}

}  // namespace

std::string run_publisher_name(std::uint32_t number) {
  return "pub-" + std::to_string(number);
}

bool RunChild::await(RunPhase phase) const noexcept {
  const timespec look{0, kLookNs};
  while (page.phase() < phase) {
    if (page.stop() == RunStop::everything) return false;
    nanosleep(&look, nullptr);
  }
  return page.stop() != RunStop::everything;
}

void RunChild::play_bare(RunPhase phase, bool serves) const noexcept {
  if (words.bare_cpu >= 0 && page.phase() == phase) {
    const Stay here(words.bare_cpu);
    if (serves) {
      words.bare_p50_ns[phase == RunPhase::bare_before ? 0 : 1] = bare_serve(page, clock);
    } else {
      bare_return(page, clock);
    }
  }
  reach(words, phase);
}

int live_as_run_child(std::string_view role, std::uint32_t number) {
  const auto page = RunPage::attach(kPageFd);
  if (!page) return report(page.error(), false);
  if (!follow_parent(page->settings().parent_pid)) return kCheckFailed;
  ChildWords* const words = words_of(*page, role, number);
  if (words == nullptr) return kBadEnvironment;
  const auto done = take_role(*page, *words, role, number);
  if (done) return kGood;
  leave_word(*words, done.error());
  return kCheckFailed;
}

}  // namespace millrace::tools
