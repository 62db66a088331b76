// The disk fills up, and is given room again; the device under the file system fails its writes.
#include "millrace/persist/verify.hpp"
#include "numbered_log.hpp"
#include "support/loop_mount.hpp"

#include <sys/statvfs.h>
#include <thread>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::LoopMount;
using testing_support::NumberedLog;
using testing_support::private_mnt;
using testing_support::wrong_with_log;

// Takes room away from others until it is removed.
class Filler {
 public:
  Filler(std::string path, std::uint64_t leave) : path_(std::move(path)) {
    const Descriptor file(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));

    struct statvfs room {};

    std::uint64_t taken = 0;
    constexpr std::uint64_t kStep = 64 << 10;
    while (fstatvfs(file.get(), &room) == 0 && room.f_bavail * room.f_frsize > leave + kStep) {
      if (posix_fallocate(file.get(), static_cast<off_t>(taken), kStep) != 0) break;
      taken += kStep;
    }
  }

  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  ~Filler() { remove(); }

  void remove() const { unlink(path_.c_str()); }

 private:
  std::string path_;
};

JournalOptions options_in(const std::string& directory) {
  JournalOptions options;
  options.directory = directory;
  options.segment_bytes = std::uint64_t{1} << 20;
  options.retain.bytes = std::uint64_t{1} << 30;
  return options;
}

// Writes until the log stops taking more, and says why.
Result<void> write_until_refused(NumberedLog& log) {
  constexpr int kItemsMax = 20'000;
  for (int i = 0; i < kItemsMax; ++i) {
    if (auto written = log.write(30); !written) return written;
  }
  return {};
}

// Polls until the log takes messages again.
bool resumes(NumberedLog& log) {
  constexpr int kAttempts = 600;
  for (int i = 0; i < kAttempts; ++i) {
    if (!log.poll(std::chrono::milliseconds(100))) return false;
    if (log.journal().stats().state == LogState::ok && log.write(1)) return true;
  }
  return false;
}

TEST(DiskFull, StopsAndGoesOnByItselfWhenThereIsRoom) {
  LoopMount disk({.type = "ext4", .bytes = std::uint64_t{48} << 20});
  if (!disk.ok()) GTEST_SKIP() << disk.why_not();
  const std::string directory = disk / "journal";
  auto log = NumberedLog::open(options_in(directory));
  ASSERT_TRUE(log) << log.error().sentence();
  const Filler filler(disk / "filler", std::uint64_t{6} << 20);
  const auto refused = write_until_refused(*log);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::full) << refused.error().sentence();
  EXPECT_EQ(log->journal().stats().state, LogState::full);
  const Sequence before = log->reported();
  EXPECT_GT(before, 0U);
  filler.remove();
  ASSERT_TRUE(resumes(*log));
  // The file system gives the room back little by little: it may be full for a moment again.
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(log->write(30) || resumes(*log));
  ASSERT_TRUE(log->settle());
  EXPECT_GT(log->reported(), before);
  const Sequence reported = log->reported();
  ASSERT_TRUE(log->journal().close());
  EXPECT_EQ(wrong_with_log(directory, reported), "");
}

TEST(DiskFull, KilledWhileFullItOpensAgain) {
  LoopMount disk({.type = "ext4", .bytes = std::uint64_t{48} << 20});
  if (!disk.ok()) GTEST_SKIP() << disk.why_not();
  const std::string directory = disk / "journal";
  Sequence reported = 0;
  const Filler filler(disk / "filler", std::uint64_t{6} << 20);
  {
    auto log = NumberedLog::open(options_in(directory));
    ASSERT_TRUE(log) << log.error().sentence();
    ASSERT_FALSE(write_until_refused(*log));
    reported = log->reported();
  }
  filler.remove();
  auto log = NumberedLog::open(options_in(directory));
  ASSERT_TRUE(log) << log.error().sentence();
  EXPECT_GE(log->next(), reported);
  ASSERT_TRUE(log->write(10));
  ASSERT_TRUE(log->settle());
  const Sequence after = log->reported();
  ASSERT_TRUE(log->journal().close());
  EXPECT_EQ(wrong_with_log(directory, after), "");
}

// ext4 on a loop file on a tmpfs that is too small: ext4 has room, the device below has none.
TEST(DeviceFull, AFailedWriteIsNeverReportedAndNothingReportedIsLost) {
  if (!private_mnt()) GTEST_SKIP() << "needs root and a mount namespace";
  const std::string small = "/mnt/small";
  mkdir(small.c_str(), 0700);
  ASSERT_EQ(mount("small", small.c_str(), "tmpfs", 0, "size=40m"), 0);
  Sequence reported = 0;
  {
    LoopMount disk({.type = "ext4", .bytes = std::uint64_t{128} << 20, .backing_directory = small});
    if (!disk.ok()) {
      umount2(small.c_str(), MNT_DETACH);
      GTEST_SKIP() << disk.why_not();
    }
    const std::string directory = disk / "journal";
    {
      auto log = NumberedLog::open(options_in(directory));
      ASSERT_TRUE(log) << log.error().sentence();
      const auto refused = write_until_refused(*log);
      ASSERT_FALSE(refused);
      const Errc code = refused.error().code();
      EXPECT_TRUE(code == Errc::full || code == Errc::journal_poisoned)
          << refused.error().sentence();
      reported = log->reported();
    }
    EXPECT_GT(reported, 0U);
    EXPECT_EQ(wrong_with_log(directory, 0), "");
    // The device gets room: what was reported is there, also what no later item could vouch for.
    ASSERT_EQ(mount("small", small.c_str(), "tmpfs", MS_REMOUNT, "size=256m"), 0);
    auto log = NumberedLog::open(options_in(directory));
    ASSERT_TRUE(log) << log.error().sentence();
    EXPECT_GE(log->next(), reported);
  }
  umount2(small.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace millrace
