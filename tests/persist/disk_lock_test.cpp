// The log's lock: one writer, who says its name; kept by the kernel until the last write of a
// killed writer has landed; never kept by a forked child.
#include "disk_fixture.hpp"
#include "log_lock.hpp"
#include "support/child_process.hpp"
#include "throttled_writer.hpp"

#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace millrace {
namespace {

using namespace testing_support;

class DiskLock : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (scratch_.path().empty()) GTEST_SKIP() << "no directory here is on ext4 or XFS";
  }

  [[nodiscard]] std::unique_ptr<Disk> open() const {
    DiskOptions options = disk_options(scratch_ / "journal");
    options.use_io_uring = GetParam();
    auto opened = open_disk(options);
    EXPECT_TRUE(opened) << said(opened);
    return std::move(*opened);
  }

  [[nodiscard]] std::string lock_content() const {
    std::ifstream file(scratch_ / "journal/lock");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  DiskScratch scratch_;
};

// A process that takes the lock, and `use`s the disk before it says that it is ready.
class Holder {
 public:
  Holder(const std::function<std::unique_ptr<Disk>()>& open,
         const std::function<void(Disk&)>& use) {
    std::array<int, 2> ready{};
    if (pipe(ready.data()) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      const auto disk = open();
      if (!disk->lock(nullptr, nullptr)) _exit(1);
      use(*disk);
      (void)!::write(ready[1], "r", 1);
      for (;;)
        pause();
    }
    close(ready[1]);
    char told = 0;
    ready_ = ::read(ready[0], &told, 1) == 1;
    close(ready[0]);
  }

  ~Holder() { kill_now(); }

  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  [[nodiscard]] bool ready() const noexcept { return ready_; }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  void kill_now() noexcept {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

void use_nothing(Disk&) {}

TEST_P(DiskLock, TheSecondWriterIsToldWhoTheFirstIs) {
  const Holder holder([&] { return open(); }, use_nothing);
  ASSERT_TRUE(holder.ready());
  const auto second = open();
  const auto refused = second->lock(nullptr, nullptr);
  ASSERT_EQ(code_of(refused), Errc::busy);
  EXPECT_NE(said(refused).find(" " + std::to_string(holder.pid()) + " ("), std::string::npos)
      << said(refused);
}

TEST_P(DiskLock, WaitsUntilTheHolderIsGoneAndSaysWhy) {
  Holder holder([&] { return open(); }, use_nothing);
  ASSERT_TRUE(holder.ready());
  const auto second = open();

  struct Told {
    Holder* holder;
    int calls = 0;
    std::string first;
  } told{&holder, 0, {}};

  const auto taken = second->lock(
      [](void* context, const Error& why) {
        auto& seen = *static_cast<Told*>(context);
        if (seen.calls++ == 0) seen.first = why.sentence();
        if (seen.calls == 2) seen.holder->kill_now();
        return true;
      },
      &told);
  EXPECT_TRUE(taken) << said(taken);
  EXPECT_GE(told.calls, 2);
  EXPECT_NE(told.first.find("in use by process"), std::string::npos) << told.first;
  const auto content = parse_holder(lock_content());
  ASSERT_TRUE(content);
  EXPECT_EQ(content->pid, static_cast<std::uint32_t>(getpid()));
}

TEST_P(DiskLock, AReusedPidIsNotTakenForTheHolder) {
  Holder holder([&] { return open(); }, use_nothing);
  ASSERT_TRUE(holder.ready());
  auto content = parse_holder(lock_content());
  ASSERT_TRUE(content);
  ++content->start_ticks;
  std::ofstream(scratch_ / "journal/lock") << to_content(*content);
  const auto second = open();
  EXPECT_NE(said(second->lock(nullptr, nullptr)).find("a process that is gone"), std::string::npos);
  std::ofstream(scratch_ / "journal/lock") << "what is this";
  EXPECT_NE(said(second->lock(nullptr, nullptr)).find("has not said its name"), std::string::npos);
}

TEST_P(DiskLock, LeavingGivesItBackAtOnce) {
  for (int life = 0; life < 20; ++life) {
    const auto disk = open();
    const auto taken = disk->lock(nullptr, nullptr);
    ASSERT_TRUE(taken) << "life " << life << ": " << said(taken);
    ASSERT_TRUE(disk->make_buffers(1, kBlock));
    if (life == 0) {
      ASSERT_EQ(prepared(*disk, 0), 0);
    }
    // In flight when the disk goes: leaving waits for it.
    disk->write(1, 0, 0, 0, kBlock, true);
  }
}

// Else a successor would take the number of the slot that is still being written, or removed.
TEST_P(DiskLock, NobodyPreparesAnythingOnceItIsFree) {
  constexpr std::uint64_t kManySteps = std::uint64_t{512} << 20;
  for (int life = 0; life < 20; ++life) {
    auto disk = open();
    ASSERT_TRUE(disk->lock(nullptr, nullptr));
    const Descriptor lock(::open((scratch_ / "journal/lock").c_str(), O_RDWR | O_CLOEXEC));
    const std::string slot = scratch_ / "journal/seg-0000.log";
    disk->prepare(1, 0, kManySteps);
    while (access(slot.c_str(), F_OK) != 0)
      std::this_thread::yield();
    std::thread leaving([&] { disk.reset(); });

    struct flock whole {};

    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    while (fcntl(lock.get(), F_OFD_SETLK, &whole) != 0)
      std::this_thread::yield();
    EXPECT_NE(access(slot.c_str(), F_OK), 0) << "half a slot, and the lock is free";
    leaving.join();
  }
}

TEST_P(DiskLock, AForkedChildDoesNotKeepItAlive) {
  Holder holder([&] { return open(); },
                [](Disk& disk) {
                  static_cast<void>(disk.make_buffers(1, kBlock));
                  static_cast<void>(prepared(disk, 0));
                  // It outlives its parent, with everything that it inherited.
                  if (fork() == 0) {
                    sleep(5);
                    _exit(0);
                  }
                });
  ASSERT_TRUE(holder.ready());
  holder.kill_now();
  const auto begun = std::chrono::steady_clock::now();
  const auto taken = open()->lock([](void*, const Error&) { return true; }, nullptr);
  EXPECT_TRUE(taken) << said(taken);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(4))
      << "the child held it until it ended";
}

TEST_P(DiskLock, ReadersDoNotAskForIt) {
  const Holder holder([&] { return open(); },
                      [](Disk& disk) { static_cast<void>(prepared(disk, 0)); });
  ASSERT_TRUE(holder.ready());
  DiskOptions options = disk_options(scratch_ / "journal");
  options.read_only = true;
  const auto reader = open_disk(options);
  ASSERT_TRUE(reader) << said(reader);
  EXPECT_EQ((*reader)->slots()->size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Both, DiskLock, ::testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "Uring" : "Threads"; });

TEST(DiskLockContent, IsReadWithSuspicion) {
  const auto good = parse_holder("12 345 0f-boot name with blanks\n");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->pid, 12U);
  EXPECT_EQ(good->start_ticks, 345U);
  EXPECT_EQ(good->boot, "0f-boot");
  EXPECT_EQ(good->name, "name with blanks");
  EXPECT_EQ(to_content(*good), "12 345 0f-boot name with blanks\n");
  for (const char* const bad :
       {"", "\n", "12", "12 345 boot name", "x 345 boot name\n", "0 345 boot name\n",
        "12 x boot name\n", "12 345\n", "99999999999 345 boot name\n", "12 345 boot na\x1bme\n"}) {
    EXPECT_FALSE(parse_holder(bad)) << bad;
  }
}

// The one that matters: a killed writer's last writes are still on their way when it is reaped, and
// a successor that reads before they land would recover a log that then changes.
TEST(DiskLockInFlight, OutlivesAKilledWriterUntilItsWritesHaveLanded) {
  constexpr std::uint64_t kWrites = 4;
  constexpr std::size_t kBytes = 64 * kBlock;  // each takes half a second
  const LoopMount loop({.bytes = std::uint64_t{64} << 20});
  if (!loop.ok()) GTEST_SKIP() << loop.why_not();
  const Throttle throttle(loop.device(), 2 * kBytes);
  if (!throttle.ok()) GTEST_SKIP() << throttle.why_not();
  const auto open = [&] {
    auto opened = open_disk(disk_options(loop / "journal"));
    EXPECT_TRUE(opened) << said(opened);
    return std::move(*opened);
  };
  Holder holder(open, [&](Disk& disk) {
    if (disk.facts().engine != "io_uring") _exit(2);
    if (!disk.make_buffers(kWrites, kBytes) || prepared(disk, 0) != 0) _exit(3);
    if (!throttle.enter()) _exit(4);
    for (std::uint64_t index = 0; index < kWrites; ++index) {
      fill(disk.buffer(index), 0xEE);
      disk.write(index, 0, index * kBytes, index, kBytes, true);
    }
  });
  if (!holder.ready()) GTEST_SKIP() << "io_uring or the throttle is refused here";
  const std::string pid = std::to_string(holder.pid());
  holder.kill_now();
  const auto begun = std::chrono::steady_clock::now();
  std::string first;
  const auto successor = open();
  const auto taken = successor->lock(
      [](void* context, const Error& why) {
        auto& sentence = *static_cast<std::string*>(context);
        if (sentence.empty()) sentence = why.sentence();
        return true;
      },
      &first);
  ASSERT_TRUE(taken) << said(taken);
  const auto waited = std::chrono::steady_clock::now() - begun;
  EXPECT_NE(first.find(pid), std::string::npos) << first;
  EXPECT_NE(first.find("a process that is gone"), std::string::npos) << first;
  EXPECT_GE(waited, std::chrono::milliseconds(200)) << "the device was not slow: nothing was shown";
  EXPECT_TRUE(all_are(read_back(*successor, 0, 0, kWrites * kBytes), 0xEE))
      << "the lock was free before the writes had landed";
}

}  // namespace
}  // namespace millrace
