// A lane whose owner cuts it off must not kill those who read it.
#include "millrace/core/sigbus_guard.hpp"

#include "millrace/core/limits.hpp"
#include "millrace/core/mapping.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <fcntl.h>
#include <memory>
#include <signal.h>
#include <stdlib.h>
#include <string>
#include <sys/mman.h>
#include <sys/mount.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::run_in_child;
using testing_support::ScratchDirectory;

constexpr std::uint64_t kRing = std::uint64_t{64} << 10;

// A ring full of 7s in a file that its owner can cut off. The handler belongs to the whole process,
// so every test runs in a child of its own.
class SigbusGuardTest : public testing::Test {
 protected:
  SigbusGuardTest()
      : owner_(openat(scratch_.fd(), "lane", O_RDWR | O_CREAT | O_CLOEXEC, 0600)),
        reader_(openat(scratch_.fd(), "lane", O_RDONLY | O_CLOEXEC)) {
    const std::string sevens(kRing, '\7');
    EXPECT_EQ(write(owner_.get(), sevens.data(), sevens.size()), static_cast<ssize_t>(kRing));
  }

  RingMapping ring(Access access = Access::read) const {
    const Descriptor& file = access == Access::write ? owner_ : reader_;
    auto mapped = RingMapping::of(file.get(), 0, kRing, access);
    return mapped ? std::move(*mapped) : RingMapping();
  }

  void cut_off(off_t bytes) const { EXPECT_EQ(ftruncate(owner_.get(), bytes), 0); }

  ScratchDirectory scratch_;
  Descriptor owner_;
  Descriptor reader_;
};

int byte_at(const RingMapping& ring, std::uint64_t at) {
  return static_cast<int>(*const_cast<const volatile std::byte*>(ring.data() + at));
}

std::atomic<int> old_handler_calls{0};
sigjmp_buf after_fault;

void old_handler(int) {
  old_handler_calls.fetch_add(1, std::memory_order_relaxed);
  siglongjmp(after_fault, 1);
}

void* address_seen = nullptr;

void old_informed_handler(int, siginfo_t* info, void*) {
  address_seen = info->si_addr;
  siglongjmp(after_fault, 1);
}

TEST_F(SigbusGuardTest, LetsAReaderOfACutOffLaneReadZeroesAndKnow) {
  const auto outcome = run_in_child([&]() -> std::string {
    std::atomic<std::uint32_t> poisoned{0};
    const RingMapping lane = ring();
    if (!SigbusGuard::install()) return "not installed";
    if (!SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned)) return "not watched";
    if (byte_at(lane, kPageBytes) != 7 || poisoned.load() != 0) return "poisoned too early";
    cut_off(2 * static_cast<off_t>(kPageBytes));
    if (byte_at(lane, kPageBytes) != 7) return "a byte that is still there was lost";
    errno = 1234;
    if (byte_at(lane, 2 * kPageBytes) != 0) return "no zero";
    if (errno != 1234) return "errno was changed";
    if (poisoned.load() != 1) return "not poisoned";
    for (std::uint64_t at = 0; at < 2 * kRing; ++at)
      static_cast<void>(byte_at(lane, at));
    if (byte_at(lane, kPageBytes) != 7) return "a byte before the cut was lost";
    return byte_at(lane, 2 * kRing - 1) == 0 ? "" : "no zero at the end of the second half";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, PoisonsOnlyTheLaneThatWasCutOff) {
  const auto outcome = run_in_child([&]() -> std::string {
    const Descriptor other_file(openat(scratch_.fd(), "other", O_RDWR | O_CREAT, 0600));
    if (ftruncate(other_file.get(), static_cast<off_t>(kRing)) != 0) return "no file";
    const auto other = RingMapping::of(other_file.get(), 0, kRing, Access::read);
    std::atomic<std::uint32_t> poisoned{0};
    std::atomic<std::uint32_t> other_poisoned{0};
    const RingMapping lane = ring();
    SigbusGuard::install();
    if (!SigbusGuard::watch(other->data(), 2 * kRing, &other_poisoned)) return "not watched";
    if (!SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned)) return "not watched";
    cut_off(0);
    static_cast<void>(byte_at(lane, 2 * kRing - 1));
    if (other_poisoned.load() != 0) return "the other was poisoned";
    return poisoned.load() == 1 ? "" : "not poisoned";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, LetsAReaderOutliveAHoleInAFullFileSystem) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (!testing_support::leave_mount_namespace()) return "skip";
    if (mount("none", scratch_.path().c_str(), "tmpfs", 0, "size=128k") != 0) return "skip";
    const std::string sevens(2 * kRing, '\7');
    const Descriptor file(open((scratch_ / "lane").c_str(), O_RDWR | O_CREAT, 0600));
    const Descriptor other(open((scratch_ / "other").c_str(), O_RDWR | O_CREAT, 0600));
    if (write(file.get(), sevens.data(), kRing) != static_cast<ssize_t>(kRing)) return "no lane";
    const auto lane = RingMapping::of(file.get(), 0, kRing, Access::read);
    std::atomic<std::uint32_t> poisoned{0};
    SigbusGuard::install();
    if (!lane || !SigbusGuard::watch(lane->data(), 2 * kRing, &poisoned)) return "not watched";
    constexpr int kHole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(file.get(), kHole, 0, static_cast<off_t>(kRing)) != 0) return "no hole";
    if (write(other.get(), sevens.data(), sevens.size()) <= 0) return "not filled";
    if (byte_at(*lane, kPageBytes) != 0) return "no zero";
    return poisoned.load() == 1 ? "" : "not poisoned";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "mounting is forbidden here";
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, LetsAWriterOfACutOffLaneGoOnWriting) {
  const auto outcome = run_in_child([&]() -> std::string {
    std::atomic<std::uint32_t> poisoned{0};
    const RingMapping lane = ring(Access::write);
    SigbusGuard::install();
    if (!SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned, true)) return "not watched";
    cut_off(0);
    for (std::uint64_t at = 0; at < 2 * kRing; at += 512)
      lane.data()[at] = std::byte{1};
    return poisoned.load() == 1 ? "" : "not poisoned";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, KeepsAReadOnlyRangeReadOnly) {
  const auto outcome = run_in_child([&]() -> std::string {
    std::atomic<std::uint32_t> poisoned{0};
    const RingMapping lane = ring();
    SigbusGuard::install();
    if (!SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned)) return "not watched";
    cut_off(0);
    if (byte_at(lane, 0) != 0) return "no zero";
    *const_cast<volatile std::byte*>(lane.data()) = std::byte{1};
    return "it was written";
  });
  EXPECT_EQ(outcome.signal, SIGSEGV) << outcome.said;
}

TEST_F(SigbusGuardTest, SurvivesManyThreadsThatMeetTheCutAtOnce) {
  const auto outcome = run_in_child([&]() -> std::string {
    std::atomic<std::uint32_t> poisoned{0};
    const RingMapping lane = ring();
    SigbusGuard::install();
    if (!SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned)) return "not watched";
    cut_off(0);
    std::atomic<bool> wrong{false};
    {
      std::vector<std::jthread> readers;
      for (std::uint64_t first = 0; first < 8; ++first) {
        readers.emplace_back([&, first] {
          for (std::uint64_t at = 2 * kRing; at > kPageBytes; at -= kPageBytes) {
            if (byte_at(lane, at - 1 - first) != 0) wrong.store(true);
          }
        });
      }
    }
    return wrong.load() || poisoned.load() != 1 ? "wrong" : "";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, LeavesAnUnwatchedFaultToTheKernel) {
  const auto outcome = run_in_child([&]() -> std::string {
    std::atomic<std::uint32_t> poisoned{0};
    const RingMapping lane = ring();
    SigbusGuard::install();
    if (!SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned)) return "not watched";
    SigbusGuard::unwatch(lane.data());
    cut_off(0);
    static_cast<void>(byte_at(lane, 0));
    return "it went on";
  });
  EXPECT_EQ(outcome.signal, SIGBUS) << outcome.said;
}

TEST_F(SigbusGuardTest, LeavesASentSignalToTheKernel) {
  const auto outcome = run_in_child([&]() -> std::string {
    SigbusGuard::install();
    raise(SIGBUS);
    return "it went on";
  });
  EXPECT_EQ(outcome.signal, SIGBUS) << outcome.said;
}

TEST_F(SigbusGuardTest, HandsAnUnwatchedFaultToTheHandlerThatWasThereBefore) {
  const auto outcome = run_in_child([&]() -> std::string {
    std::atomic<std::uint32_t> poisoned{0};
    const RingMapping watched = ring();
    const RingMapping unwatched = ring();
    signal(SIGBUS, old_handler);
    for (int twice = 0; twice < 2; ++twice) {
      if (!SigbusGuard::install()) return "not installed";
    }
    if (!SigbusGuard::watch(watched.data(), 2 * kRing, &poisoned)) return "not watched";
    cut_off(0);
    if (sigsetjmp(after_fault, 1) == 0) {
      static_cast<void>(byte_at(unwatched, 0));
      return "it went on";
    }
    if (old_handler_calls.load() != 1 || poisoned.load() != 0) return "not handed on";
    if (byte_at(watched, 0) != 0) return "no zero";
    return old_handler_calls.load() == 1 && poisoned.load() == 1 ? "" : "not ours any more";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, HandsOnTheAddressToAHandlerThatAsksForIt) {
  const auto outcome = run_in_child([&]() -> std::string {
    const RingMapping unwatched = ring();
    struct sigaction action {};
    action.sa_sigaction = old_informed_handler;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &action, nullptr);
    SigbusGuard::install();
    cut_off(0);
    if (sigsetjmp(after_fault, 1) == 0) static_cast<void>(byte_at(unwatched, 8));
    return address_seen == unwatched.data() + 8 ? "" : "another address";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, StaysAwayWhenTheEnvironmentSaysSo) {
  const auto outcome = run_in_child([&]() -> std::string {
    setenv("MILLRACE_NO_SIGBUS_GUARD", "1", 1);
    std::atomic<std::uint32_t> poisoned{0};
    const RingMapping lane = ring();
    if (SigbusGuard::install() || SigbusGuard::installed()) return "it was installed";
    if (SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned)) return "it was watched";
    struct sigaction now {};
    sigaction(SIGBUS, nullptr, &now);
    return now.sa_handler == SIG_DFL ? "" : "a handler is there";
  });
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, SaysWhenItsTableIsFullAndReusesWhatWasGivenBack) {
  const auto outcome = run_in_child([&]() -> std::string {
    std::atomic<std::uint32_t> poisoned{0};
    const RingMapping lane = ring();
    SigbusGuard::install();
    const std::vector<std::byte> elsewhere(SigbusGuard::kWatchesMax + 1);
    auto* const base = const_cast<std::byte*>(elsewhere.data());
    for (std::size_t at = 0; at < SigbusGuard::kWatchesMax; ++at) {
      if (!SigbusGuard::watch(base + at, 1, &poisoned)) return "full too early";
    }
    if (SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned)) return "not full";
    SigbusGuard::unwatch(base + 100);
    if (!SigbusGuard::watch(lane.data(), 2 * kRing, &poisoned)) return "not reused";
    cut_off(0);
    return byte_at(lane, 0) == 0 && poisoned.load() == 1 ? "" : "not rescued";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SigbusGuardTest, NeverUsesAFlagAfterItsWatchHasEnded) {
  const auto outcome = run_in_child([&]() -> std::string {
    SigbusGuard::install();
    // While one thread takes faults all the time, another begins and ends a watch of its own, with
    // a flag that is gone afterwards.
    std::atomic<bool> stop{false};
    std::atomic<int> rescues{0};
    std::jthread faulting([&] {
      while (!stop.load()) {
        cut_off(static_cast<off_t>(kRing));
        const RingMapping fresh = ring();
        std::atomic<std::uint32_t> mine{0};
        if (!SigbusGuard::watch(fresh.data(), 2 * kRing, &mine)) return;
        cut_off(0);
        static_cast<void>(byte_at(fresh, 0));
        SigbusGuard::unwatch(fresh.data());
        if (mine.load() == 1) rescues.fetch_add(1);
      }
    });
    for (int round = 0; round < 2000 || rescues.load() < 10; ++round) {
      auto flag = std::make_unique<std::atomic<std::uint32_t>>(0);
      std::byte place{};
      if (!SigbusGuard::watch(&place, 1, flag.get())) return "not watched";
      SigbusGuard::unwatch(&place);
      if (flag->load() != 0) return "a stranger's fault set the flag";
    }
    stop.store(true);
    return "";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

}  // namespace
}  // namespace millrace
