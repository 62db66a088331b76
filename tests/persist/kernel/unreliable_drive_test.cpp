// A journal on a drive that loses power, that fails its flushes, and that lies about them.
#include "fuse_mount.hpp"
#include "millrace/persist/verify.hpp"
#include "numbered_log.hpp"

#include <optional>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::FuseMount;
using testing_support::NumberedLog;
using testing_support::wrong_with_log;

class UnreliableDrive : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!drive_.mounted()) GTEST_SKIP() << "needs /dev/fuse and the right to mount";
  }

  [[nodiscard]] JournalOptions options() const {
    JournalOptions options;
    options.directory = drive_.drive() + "/journal";
    options.segment_bytes = std::uint64_t{1} << 20;
    options.trust_file_system = true;
    options.retain.bytes = std::uint64_t{64} << 20;
    return options;
  }

  [[nodiscard]] std::string directory() const { return options().directory; }

  FuseMount drive_;
};

void write_items(NumberedLog& log, int items) {
  for (int i = 0; i < items; ++i) {
    const auto written = log.write(20);
    ASSERT_TRUE(written) << written.error().sentence();
  }
}

TEST_F(UnreliableDrive, IsRefusedUnlessItIsTrusted) {
  JournalOptions untrusting = options();
  untrusting.trust_file_system = false;
  const auto log = NumberedLog::open(untrusting);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code(), Errc::unsupported) << log.error().sentence();
}

TEST_F(UnreliableDrive, KeepsWhatWasReportedWhenThePowerGoes) {
  Sequence reported = 0;
  for (int round = 0; round < 5; ++round) {
    auto log = NumberedLog::open(options());
    ASSERT_TRUE(log) << log.error().sentence();
    EXPECT_GE(log->next(), reported);
    write_items(*log, 40);
    reported = log->reported();
    drive_.say("cut");
    drive_.say("back");
    ASSERT_EQ(wrong_with_log(directory(), 0), "");
  }
  auto last = NumberedLog::open(options());
  ASSERT_TRUE(last) << last.error().sentence();
  EXPECT_GE(last->next(), reported);
  ASSERT_TRUE(last->journal().close());
  EXPECT_EQ(wrong_with_log(directory(), reported), "");
}

TEST_F(UnreliableDrive, AFailedFlushPoisonsAndIsNeverTriedAgain) {
  {
    auto log = NumberedLog::open(options());
    ASSERT_TRUE(log) << log.error().sentence();
    write_items(*log, 10);
    ASSERT_TRUE(log->settle());
    const Sequence reported = log->reported();
    drive_.say("fail");
    Result<void> outcome;
    for (int i = 0; i < 100 && outcome; ++i) {
      outcome = log->write(20);
      if (outcome) outcome = log->settle();
    }
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code(), Errc::journal_poisoned) << outcome.error().sentence();
    EXPECT_EQ(log->reported(), reported);
    drive_.say("honest");
    EXPECT_FALSE(log->write(1)) << "a poisoned log must not come back to life";
    EXPECT_EQ(log->reported(), reported);
  }
  auto log = NumberedLog::open(options());
  ASSERT_TRUE(log) << log.error().sentence();
  write_items(*log, 10);
  ASSERT_TRUE(log->settle());
  const Sequence after = log->reported();
  ASSERT_TRUE(log->journal().close());
  EXPECT_EQ(wrong_with_log(directory(), after), "");
}

// A drive that lies cannot be found out before the power goes. Afterwards what is there must be the
// beginning of what was written, or be called damaged; never something else.
TEST_F(UnreliableDrive, ALieIsNeverTurnedIntoWrongMessages) {
  for (int round = 0; round < 5; ++round) {
    auto log = NumberedLog::open(options());
    if (!log) {
      EXPECT_EQ(log.error().code(), Errc::damaged) << log.error().sentence();
      break;
    }
    write_items(*log, 10 + round);
    drive_.say("lie");
    write_items(*log, 10);
    ASSERT_TRUE(log->settle());
    drive_.say(round % 2 == 0 ? "cut" : "honest");
    if (round % 2 != 0) {
      (void)log->write(5);
      (void)log->settle();
      drive_.say("cut");
    }
    drive_.say("back");
    const std::string wrong = wrong_with_log(directory(), 0);
    EXPECT_EQ(wrong.find("has other bytes"), std::string::npos) << wrong;
  }
}

}  // namespace
}  // namespace millrace
