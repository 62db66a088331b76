// The power goes on a real kernel: EXT4_IOC_SHUTDOWN without flushing its log drops whatever was
// not durable, and the writer is killed at the same moment. What it had reported must be there.
#include "millrace/persist/verify.hpp"
#include "numbered_log.hpp"
#include "support/loop_mount.hpp"

#include <atomic>
#include <random>
#include <sys/mman.h>
#include <thread>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::LoopMount;
using testing_support::NumberedLog;
using testing_support::wrong_with_log;

// What the writer says before it is killed.
struct Said {
  std::atomic<std::uint64_t> reported{0};
  std::atomic<std::uint32_t> opened{0};
  std::atomic<std::uint32_t> failed{0};
};

class PowerCut : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.ok()) GTEST_SKIP() << disk_.why_not();
    device_ = Descriptor(open(("/dev/" + disk_.device()).c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(device_.valid());
    void* const page =
        mmap(nullptr, sizeof(Said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(page, MAP_FAILED);
    said_ = new (page) Said;
  }

  void TearDown() override {
    if (said_ != nullptr) munmap(said_, sizeof(Said));
  }

  [[nodiscard]] JournalOptions options() const {
    JournalOptions options;
    options.directory = disk_ / "journal";
    options.segment_bytes = std::uint64_t{1} << 20;
    options.retain.bytes = std::uint64_t{256} << 20;
    options.wait_for_lock = true;
    return options;
  }

  pid_t start_writer() {
    said_->opened.store(0);
    const pid_t child = fork();
    if (child != 0) return child;
    auto log = NumberedLog::open(options());
    if (!log) {
      said_->failed.store(1);
      _exit(1);
    }
    said_->opened.store(1);
    for (std::size_t round = 0; log->write(1 + round % 40); ++round)
      said_->reported.store(log->reported());
    for (;;)
      pause();  // the power is gone; wait for the end
  }

  void cut_power() {
    constexpr unsigned long kShutdown = 0x8004587d;  // EXT4_IOC_SHUTDOWN
    std::uint32_t without_flushing_its_log = 2;
    const Descriptor root(open(disk_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(ioctl(root.get(), kShutdown, &without_flushing_its_log), 0) << std::strerror(errno);
  }

  void mount_again() {
    constexpr int kAttempts = 1000;
    int unmounted = -1;
    for (int i = 0; i < kAttempts && unmounted != 0; ++i) {
      unmounted = umount(disk_.path().c_str());
      if (unmounted != 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_EQ(unmounted, 0) << std::strerror(errno);
    const std::string device = "/dev/" + disk_.device();
    ASSERT_EQ(mount(device.c_str(), disk_.path().c_str(), "ext4", 0, nullptr), 0)
        << std::strerror(errno);
  }

  LoopMount disk_{{.type = "ext4", .bytes = std::uint64_t{384} << 20}};
  Descriptor device_;
  Said* said_ = nullptr;
};

TEST_F(PowerCut, LosesNothingThatWasReported) {
  std::random_device entropy;
  const unsigned seed = entropy();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (int cut = 0; cut < 8; ++cut) {
    const pid_t writer = start_writer();
    while (said_->opened.load() == 0 && said_->failed.load() == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    cut_power();
    kill(writer, SIGKILL);
    ASSERT_EQ(waitpid(writer, nullptr, 0), writer);
    ASSERT_EQ(said_->failed.load(), 0U) << "the writer could not open the log, cut " << cut;
    mount_again();
    if (HasFatalFailure()) return;
    ASSERT_EQ(wrong_with_log(options().directory, 0), "") << "before recovery, cut " << cut;
    auto log = NumberedLog::open(options());
    ASSERT_TRUE(log) << log.error().sentence();
    EXPECT_GE(log->next(), said_->reported.load()) << "cut " << cut;
    ASSERT_TRUE(log->journal().close());
  }
  EXPECT_EQ(wrong_with_log(options().directory, said_->reported.load()), "");
  const auto checked = verify_journal({.directory = options().directory});
  ASSERT_TRUE(checked) << checked.error().sentence();
  EXPECT_TRUE(checked->damages.empty()) << checked->damages.front().what;
}

}  // namespace
}  // namespace millrace
