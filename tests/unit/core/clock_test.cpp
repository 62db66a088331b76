#include "millrace/core/clock.hpp"

#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <cmath>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using layout::ClockFile;
using testing_support::become_nobody;
using testing_support::run_in_child;
using testing_support::ScratchDirectory;

std::string file_in(const ScratchDirectory& domain) {
  return domain / std::string(Clock::file_name().data());
}

ClockFile read_clock(const std::string& path) {
  ClockFile file{};
  const Descriptor fd(open(path.c_str(), O_RDONLY));
  EXPECT_EQ(pread(fd.get(), &file, sizeof file, 0), static_cast<ssize_t>(sizeof file));
  return file;
}

void write_clock(const std::string& path, const ClockFile& file, std::size_t bytes) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
  EXPECT_EQ(pwrite(fd.get(), &file, bytes, 0), static_cast<ssize_t>(bytes));
}

void sleep_ms(long ms) {
  const timespec pause{0, ms * 1'000'000};
  nanosleep(&pause, nullptr);
}

// The conversion of a few ticks, as text: two processes that agree on it agree on everything.
std::string fingerprint_of(const Clock& clock) {
  std::string text;
  for (const std::uint64_t ticks : {std::uint64_t{1} << 40, std::uint64_t{1} << 50}) {
    text += std::to_string(clock.to_ns(ticks)) + ' ';
  }
  return text;
}

TEST(Clock, AgreesWithTheKernelWithinTheUncertaintyItStates) {
  const ScratchDirectory domain;
  const auto clock = Clock::open(domain.fd());
  ASSERT_TRUE(clock) << clock.error().sentence();
  for (int i = 0; i < 5; ++i) {
    const ClockReport report = clock->report();
    const double allowed = static_cast<double>(report.uncertainty_ns) +
                           static_cast<double>(report.drift_uncertainty_ns) +
                           static_cast<double>(report.age_ns) * report.uncertainty_ppm * 1e-6;
    EXPECT_LE(std::abs(static_cast<double>(report.drift_ns)), allowed + 1);
    EXPECT_TRUE(report.within_bounds);
    EXPECT_TRUE(report.shared);
    EXPECT_TRUE(report.sound);
    sleep_ms(10);
  }
}

TEST(Clock, ReportsARateAndAGranularityThatCanBe) {
  const ClockReport report = Clock::local().report();
  EXPECT_FALSE(report.shared);
  EXPECT_GT(report.ns_per_tick, 0);
  EXPECT_GT(report.granularity_ns, 0);
  EXPECT_GT(report.stamp_cost_ns, 0);
  if (report.source == ClockSource::monotonic) {
    EXPECT_EQ(report.ns_per_tick, 1);
  }
}

TEST(Clock, NeverGoesBackOnOneThread) {
  const Clock clock = Clock::local();
  std::uint64_t last = clock.to_ns(clock.ticks_ordered());
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t now = clock.to_ns(clock.ticks_ordered());
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, ConvertsTicksFromBeforeItsCalibration) {
  const std::uint64_t before = monotonic_ns();
  const std::uint64_t early = cpu::ticks_ordered();
  const ScratchDirectory domain;
  const auto clock = Clock::open(domain.fd());
  ASSERT_TRUE(clock);
  if (clock->source() != ClockSource::tsc) GTEST_SKIP() << "no tick counter to rely on";
  const ClockReport report = clock->report();
  // The calibration came at least 10 ms later; a conversion that loses the sign is 2^64 ns off.
  EXPECT_LT(clock->to_ns(early), report.age_ns + before + 1'000'000'000);
  EXPECT_GT(clock->to_ns(early) + 1'000'000, before);
}

TEST(Clock, DurationsThereAndBackLoseLessThanATick) {
  const Clock clock = Clock::local();
  const auto tick_ns = static_cast<std::uint64_t>(std::ceil(clock.report().ns_per_tick));
  for (const std::uint64_t ns : {0ULL, 1ULL, 999ULL, 20'000ULL, 3'600'000'000'000ULL}) {
    const std::uint64_t back = clock.duration_ns(clock.duration_ticks(ns));
    EXPECT_GE(back + 1, ns);
    EXPECT_LE(back, ns + tick_ns);
  }
}

TEST(Clock, TheCalibrationIsReadableByAllWhateverTheUmask) {
  const ScratchDirectory domain;
  const mode_t old = umask(0777);
  const auto clock = Clock::open(domain.fd());
  umask(old);
  ASSERT_TRUE(clock) << clock.error().sentence();

  struct stat status {};

  ASSERT_EQ(stat(file_in(domain).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644U);
  EXPECT_EQ(status.st_size, static_cast<off_t>(sizeof(ClockFile)));
}

TEST(Clock, TwoProcessesUseOneCalibration) {
  const ScratchDirectory domain;
  const auto child = run_in_child([&] {
    const auto clock = Clock::open(domain.fd());
    return clock ? fingerprint_of(*clock) : std::string(clock.error().sentence());
  });
  const auto clock = Clock::open(domain.fd());
  ASSERT_TRUE(clock) << clock.error().sentence();
  EXPECT_EQ(fingerprint_of(*clock), child.said);
  EXPECT_EQ(domain.entries(), 1U);
}

TEST(Clock, CreatorsThatRaceEndWithOneFileAndOneCalibration) {
  for (int round = 0; round < 3; ++round) {
    const ScratchDirectory domain;
    int start[2];
    int answers[2];
    ASSERT_EQ(pipe(start), 0);
    ASSERT_EQ(pipe(answers), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      const pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        close(start[1]);
        char go = 0;
        static_cast<void>(!read(start[0], &go, 1));  // ends for all of them at once
        const auto clock = Clock::open(domain.fd());
        const std::string said =
            (clock ? fingerprint_of(*clock) : std::string(clock.error().sentence())) + "\n";
        _exit(write(answers[1], said.data(), said.size()) < 0 ? 1 : 0);
      }
      children.push_back(child);
    }
    close(start[0]);
    close(start[1]);
    close(answers[1]);
    std::string said;
    char piece[256];
    for (ssize_t got = 0; (got = read(answers[0], piece, sizeof piece)) > 0;) {
      said.append(piece, static_cast<std::size_t>(got));
    }
    close(answers[0]);
    for (const pid_t child : children)
      waitpid(child, nullptr, 0);
    const auto clock = Clock::open(domain.fd());
    ASSERT_TRUE(clock) << clock.error().sentence();
    std::string expected;
    for (int i = 0; i < 4; ++i)
      expected += fingerprint_of(*clock) + "\n";
    EXPECT_EQ(said, expected);
    EXPECT_EQ(domain.entries(), 1U);
  }
}

struct Damage {
  const char* name;
  std::function<void(ClockFile&)> act;
};

TEST(Clock, RefusesADamagedCalibrationAndSaysWhatIsWrong) {
  const ScratchDirectory domain;
  ASSERT_TRUE(Clock::open(domain.fd()));
  const std::string path = file_in(domain);
  const ClockFile good = read_clock(path);
  const std::vector<Damage> damages = {
      {"rate is 0", [](ClockFile& file) { file.mult = 0; }},
      {"shift", [](ClockFile& file) { file.shift = 200; }},
      {"shift", [](ClockFile& file) { file.shift = 64; }},
      {"slow", [](ClockFile& file) { file.mult = ~std::uint64_t{0}; }},
      {"fast", [](ClockFile& file) { file.mult = 1; }},
      {"MILLRACE", [](ClockFile& file) { file.header.magic ^= 1; }},
      {"byte order", [](ClockFile& file) { file.header.endianness = 0x0403'0201; }},
      {"version", [](ClockFile& file) { ++file.header.format_major; }},
      {"no clock", [](ClockFile& file) { file.header.kind = 3; }},
      {"layout", [](ClockFile& file) { file.header.fingerprint ^= 1; }},
      {"features", [](ClockFile& file) { file.header.features_read = 1; }},
      {"length", [](ClockFile& file) { file.header.file_bytes = 4096; }},
      {"boot", [](ClockFile& file) { file.header.boot_id[0] ^= 1; }},
      {"namespace", [](ClockFile& file) { file.time_ns ^= 1; }},
      {"ticks", [](ClockFile& file) { file.source = 0; }},
      {"ticks", [](ClockFile& file) { file.source = 77; }},
      {"rate says otherwise",
       [](ClockFile& file) {
         file.source = static_cast<std::uint32_t>(ClockSource::monotonic);
         file.mult = (std::uint64_t{1} << file.shift) + 1;
       }},
  };
  for (const Damage& damage : damages) {
    ClockFile file = good;
    damage.act(file);
    write_clock(path, file, sizeof file);
    const auto refused = Clock::open(domain.fd());
    ASSERT_FALSE(refused) << damage.name;
    EXPECT_EQ(refused.error().code(), Errc::format);
    EXPECT_NE(refused.error().sentence().find(damage.name), std::string_view::npos)
        << refused.error().sentence();
  }
  write_clock(path, good, sizeof good);
  EXPECT_TRUE(Clock::open(domain.fd())) << "the undamaged file is still good";
}

TEST(Clock, RefusesACalibrationThatIsCutOffOrNoFile) {
  const ScratchDirectory domain;
  ASSERT_TRUE(Clock::open(domain.fd()));
  const std::string path = file_in(domain);
  const ClockFile good = read_clock(path);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{128}, sizeof good - 1}) {
    write_clock(path, good, bytes);
    const auto refused = Clock::open(domain.fd());
    ASSERT_FALSE(refused) << bytes;
    EXPECT_EQ(refused.error().code(), Errc::format);
  }
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0644), 0);
  const auto pipe = Clock::open(domain.fd());
  ASSERT_FALSE(pipe);
  EXPECT_EQ(pipe.error().code(), Errc::format);
  unlink(path.c_str());
  write_clock(domain / "elsewhere", good, sizeof good);
  ASSERT_EQ(symlink("elsewhere", path.c_str()), 0);
  EXPECT_FALSE(Clock::open(domain.fd())) << "a symbolic link may point anywhere";
}

TEST(Clock, SurvivesWhatHappensToTheFileAfterItWasOpened) {
  const ScratchDirectory domain;
  const auto clock = Clock::open(domain.fd());
  ASSERT_TRUE(clock);
  const std::string before = fingerprint_of(*clock);
  write_clock(file_in(domain), ClockFile{}, 0);
  EXPECT_EQ(fingerprint_of(*clock), before);
}

TEST(Clock, UsesItsOwnCalibrationWhereTheDomainMayOnlyBeRead) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become nobody";
  const ScratchDirectory domain;
  ASSERT_EQ(chmod(domain.path().c_str(), 0755), 0);
  const auto child = run_in_child([&]() -> std::string {
    if (!become_nobody()) return "cannot become nobody";
    const auto clock = Clock::open(domain.fd());
    if (!clock) return std::string(clock.error().sentence());
    return clock->report().shared ? "says that it is shared" : "";
  });
  EXPECT_EQ(child.said, "");
  EXPECT_EQ(domain.entries(), 0U);
}

// CLOCK_MONOTONIC of another time namespace is shifted: by our calibration its deadlines would lie
// an hour off.
TEST(Clock, EachTimeNamespaceHasItsOwnCalibration) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to shift time";
  const ScratchDirectory domain;
  ASSERT_TRUE(Clock::open(domain.fd()));
  const auto child = run_in_child([&]() -> std::string {
    constexpr int kNewTime = 0x80;  // CLONE_NEWTIME
    if (unshare(kNewTime) != 0) return "skip";
    const Descriptor offsets(open("/proc/self/timens_offsets", O_WRONLY));
    constexpr std::string_view kAnHour = "monotonic 3600 0";
    if (write(offsets.get(), kAnHour.data(), kAnHour.size()) < 0) return "skip";
    return run_in_child([&]() -> std::string {  // only children live in the new namespace
             const auto clock = Clock::open(domain.fd());
             if (!clock) return std::string(clock.error().sentence());
             return clock->report().within_bounds ? "" : "an hour off";
           })
        .said;
  });
  if (child.said == "skip") GTEST_SKIP() << "no time namespaces here";
  EXPECT_EQ(child.said, "");
  EXPECT_EQ(domain.entries(), 2U);
}

TEST(Clock, SaysThatTheDomainIsGone) {
  const auto refused = Clock::open(-1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().os_error(), 0);
}

TEST(StepCounter, CountsAStepForwardsAndBack) {
  StepCounter counter;
  constexpr std::uint64_t kWall = 1'700'000'000'000'000'000;
  EXPECT_EQ(counter.see(kWall, 1000, 50).steps, 0U);
  EXPECT_EQ(counter.see(kWall + 500'040, 501'000, 50).steps, 0U) << "within the widths";
  const WallReading forwards = counter.see(kWall + 2'000'000'000, 1'000'000, 50);
  EXPECT_EQ(forwards.steps, 1U);
  EXPECT_NEAR(static_cast<double>(forwards.stepped_ns), 1'999'000'000, 2000);
  const WallReading back = counter.see(kWall + 2'000'000, 2'001'000, 50);
  EXPECT_EQ(back.steps, 2U);
  EXPECT_NEAR(static_cast<double>(back.stepped_ns), 0, 4000);
}

TEST(StepCounter, AnInterruptBetweenTheReadingsIsNoStep) {
  StepCounter counter;
  EXPECT_EQ(counter.see(5'000'000, 1000, 50).steps, 0U);
  EXPECT_EQ(counter.see(5'700'000, 401'000, 900'000).steps, 0U);
  EXPECT_EQ(counter.see(5'001'000, 2000, 50).steps, 0U) << "and it did not blur what was known";
  EXPECT_EQ(counter.see(5'010'000, 3000, 50).steps, 1U);
}

TEST(WallClock, ReadsBothClocksAtOnceAndSeesNoStepInAQuietTime) {
  WallClock clock;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t boot_before = boot_ns();
    const WallReading reading = clock.read();
    EXPECT_GE(reading.boot_ns, boot_before);
    EXPECT_LE(reading.boot_ns, boot_ns());
    EXPECT_EQ(reading.steps, 0U);
  }
}

}  // namespace
}  // namespace millrace
