// The message path allocates nothing, calls the kernel never and takes no page fault. A child that
// does any of it is killed, and two canaries prove that the guard bites.
#include "support/channel_fixture.hpp"
#include "support/child_process.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <new>
#include <signal.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace {

std::atomic<bool> forbidden{false};

void* counted_allocation(std::size_t bytes) {
  if (forbidden.load(std::memory_order_relaxed)) std::abort();
  if (void* const room = std::malloc(bytes != 0 ? bytes : 1)) return room;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted_allocation(bytes);
}

void* operator new[](std::size_t bytes) {
  return counted_allocation(bytes);
}

void operator delete(void* room) noexcept {
  std::free(room);
}

void operator delete[](void* room) noexcept {
  std::free(room);
}

void operator delete(void* room, std::size_t) noexcept {
  std::free(room);
}

void operator delete[](void* room, std::size_t) noexcept {
  std::free(room);
}

namespace millrace {
namespace {

using testing_support::ChildOutcome;
using testing_support::run_in_child;

class MessagePath : public testing_support::ChannelTest {
 protected:
  static constexpr int kMessages = 1'000'000;

  // From now on every system call kills this process, but for the few that end and report.
  static bool forbid_system_calls() {
    constexpr auto load = static_cast<std::uint16_t>(BPF_LD | BPF_W | BPF_ABS);
    constexpr auto same = static_cast<std::uint16_t>(BPF_JMP | BPF_JEQ | BPF_K);
    constexpr auto end = static_cast<std::uint16_t>(BPF_RET | BPF_K);
    std::array<sock_filter, 6> program{{
        {load, 0, 0, offsetof(seccomp_data, nr)},
        {same, 3, 0, SYS_write},
        {same, 2, 0, SYS_exit_group},
        {same, 1, 0, SYS_getrusage},
        {end, 0, 0, SECCOMP_RET_KILL_PROCESS},
        {end, 0, 0, SECCOMP_RET_ALLOW},
    }};
    const sock_fprog filter{program.size(), program.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
  }

  static long faults() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
  }

  static void pass_messages(Publisher& source, Subscriber& reader, int count) {
    constexpr std::array<std::byte, 32> payload{};
    for (int i = 0; i < count; i += 4) {
      (void)source.try_send(payload);
      if (auto claim = source.try_claim(24)) std::move(*claim).publish();
      if (auto batch = source.batch()) {
        (void)batch->add(payload);
        (void)batch->add(payload);
        std::move(*batch).publish();
      }
      for (int polled = 0; polled < 4; ++polled)
        (void)reader.try_poll();
      (void)reader.try_poll();
    }
  }

  // Runs `act` guarded, after everything was warmed up. The child says how many faults there were
  // and how many messages came. Its objects stay: their destructors would call the kernel.
  template <class Act>
  ChildOutcome run_guarded(Policy policy, Act act) const {
    return run_in_child([&]() -> std::string {
      ChannelOptions options;
      options.policy = policy;
      options.ring_bytes = 65536;
      auto& domain = *new Domain(another_domain());
      auto& channel = *new Channel(domain.channel(to_string(policy), options).value());
      auto& reader = *new Subscriber(channel.subscriber({.wait = Wait::spin}).value());
      auto& source = *new Publisher(channel.publisher({.wait = Wait::spin}).value());
      pass_messages(source, reader, 20'000);
      (void)faults();
      if (!forbid_system_calls()) return "no filters";
      forbidden.store(true);
      const long before = faults();
      act(source, reader);
      const long after = faults();
      forbidden.store(false);
      if (after != before) return "page faults";
      return source.next_sequence() == kMessages + 20'000 ? "" : "messages";
    });
  }
};

TEST_F(MessagePath, NeitherAllocatesNorCallsTheKernelNorFaults) {
  for (const Policy policy : {Policy::block, Policy::evict, Policy::lossy}) {
    const ChildOutcome outcome = run_guarded(policy, [](Publisher& source, Subscriber& reader) {
      pass_messages(source, reader, kMessages);
    });
    if (outcome.said == "no filters") GTEST_SKIP() << "system call filters are forbidden here";
    EXPECT_EQ(outcome.signal, 0) << to_string(policy);
    EXPECT_EQ(outcome.said, "") << to_string(policy);
  }
}

TEST_F(MessagePath, IsGuardedAgainstAnAllocation) {
  const ChildOutcome outcome = run_guarded(Policy::block, [](Publisher&, Subscriber&) {
    const std::vector<int> forbidden_fruit(1000);
    EXPECT_EQ(forbidden_fruit.size(), 1000U);
  });
  if (outcome.said == "no filters") GTEST_SKIP() << "system call filters are forbidden here";
  EXPECT_NE(outcome.signal, 0);
}

TEST_F(MessagePath, IsGuardedAgainstASystemCall) {
  const ChildOutcome outcome =
      run_guarded(Policy::block, [](Publisher&, Subscriber&) { (void)getppid(); });
  if (outcome.said == "no filters") GTEST_SKIP() << "system call filters are forbidden here";
  EXPECT_EQ(outcome.signal, SIGSYS);
}

TEST_F(MessagePath, IsGuardedAgainstAPageFault) {
  auto* const pages = static_cast<volatile char*>(
      mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  const ChildOutcome outcome = run_guarded(Policy::block, [=](Publisher&, Subscriber&) {
    for (int at = 0; at < 1 << 20; at += 4096)
      pages[at] = 1;
  });
  munmap(const_cast<char*>(pages), 1 << 20);
  if (outcome.said == "no filters") GTEST_SKIP() << "system call filters are forbidden here";
  EXPECT_EQ(outcome.said, "page faults");
}

}  // namespace
}  // namespace millrace
