// One mapping of a file, and the ring that is mapped twice.
#include "millrace/core/mapping.hpp"

#include "millrace/core/descriptor.hpp"
#include "millrace/core/limits.hpp"
#include "support/child_process.hpp"
#include "support/emulated_kernel.hpp"
#include "support/refuse_call.hpp"
#include "support/scratch_directory.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;
using testing_support::run_in_child;
using testing_support::ScratchDirectory;

constexpr std::uint64_t kRing = std::uint64_t{64} << 10;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMlockIsIntercepted = true;
#elif defined(__has_feature)
constexpr bool kMlockIsIntercepted = __has_feature(address_sanitizer);
#else
constexpr bool kMlockIsIntercepted = false;
#endif

// A file of a page of control and a ring.
class MappingTest : public testing::Test {
 protected:
  MappingTest()
      : writable_(openat(scratch_.fd(), "ring", O_RDWR | O_CREAT | O_CLOEXEC, 0600)),
        readable_(openat(scratch_.fd(), "ring", O_RDONLY | O_CLOEXEC)) {
    EXPECT_EQ(ftruncate(writable_.get(), static_cast<off_t>(kPageBytes + kRing)), 0);
  }

  ScratchDirectory scratch_;
  Descriptor writable_;
  Descriptor readable_;
};

using RingMappingTest = MappingTest;

// Lines of /proc/self/smaps that belong to the mapping that begins at `address`.
std::string smaps_of(const void* address) {
  std::array<char, 32> begin{};
  std::snprintf(begin.data(), begin.size(), "%lx-", reinterpret_cast<unsigned long>(address));
  std::ifstream smaps("/proc/self/smaps");
  std::string found;
  std::string line;
  bool inside = false;
  while (std::getline(smaps, line)) {
    if (line.find('-') != std::string::npos && line.find(':') != line.find_first_of(": ")) {
      inside = line.starts_with(begin.data());
    }
    if (inside) found += line + '\n';
  }
  return found;
}

TEST_F(MappingTest, ShowsWhatAnotherMappingOfTheFileWrites) {
  auto writer = Mapping::of(writable_.get(), kPageBytes, kRing, Access::write);
  const auto reader = Mapping::of(readable_.get(), kPageBytes, kRing, Access::read);
  ASSERT_TRUE(writer && reader);
  writer->data()[17] = std::byte{42};
  EXPECT_EQ(reader->data()[17], std::byte{42});
  EXPECT_EQ(reader->size(), kRing);
}

TEST_F(MappingTest, RefusesARangeBeyondTheEndOfTheFile) {
  for (const auto& [offset, bytes] : {std::pair{kPageBytes, kRing + 1},
                                      {kPageBytes + kRing, kRing},
                                      {kPageBytes, ~std::uint64_t{0}},
                                      {~std::uint64_t{4095}, kRing},
                                      {std::size_t{0}, std::uint64_t{0}}}) {
    const auto mapping = Mapping::of(writable_.get(), offset, bytes, Access::write);
    ASSERT_FALSE(mapping) << offset << " " << bytes;
    EXPECT_EQ(mapping.error().code(), Errc::bad_argument);
  }
}

TEST_F(MappingTest, RefusesToWriteThroughAReadOnlyFile) {
  const auto mapping = Mapping::of(readable_.get(), 0, kRing, Access::write);
  ASSERT_FALSE(mapping);
  EXPECT_EQ(mapping.error().code(), Errc::no_permission);
}

TEST_F(MappingTest, IsEmptyAfterItWasMovedAway) {
  auto first = Mapping::of(writable_.get(), 0, kRing, Access::write);
  ASSERT_TRUE(first);
  const Mapping second = std::move(*first);
  EXPECT_FALSE(first->valid());
  EXPECT_EQ(first->size(), 0U);
  EXPECT_TRUE(second.valid());
  EXPECT_EQ(second.data()[0], std::byte{0});
}

TEST_F(RingMappingTest, ShowsTheSameBytesInBothHalves) {
  const auto ring = RingMapping::of(writable_.get(), kPageBytes, kRing, Access::write);
  ASSERT_TRUE(ring) << ring.error().sentence();
  ring->data()[5] = std::byte{1};
  ring->data()[2 * kRing - 1] = std::byte{2};
  EXPECT_EQ(ring->data()[kRing + 5], std::byte{1});
  EXPECT_EQ(ring->data()[kRing - 1], std::byte{2});

  const std::string record = "a record that crosses the end of the ring";
  std::memcpy(ring->data() + kRing - 10, record.data(), record.size());
  EXPECT_EQ(std::memcmp(ring->data(), record.data() + 10, record.size() - 10), 0);
}

TEST_F(RingMappingTest, SharesItsBytesWithAReadOnlyRingOfAnotherDescriptor) {
  const auto writer = RingMapping::of(writable_.get(), kPageBytes, kRing, Access::write);
  const auto reader = RingMapping::of(readable_.get(), kPageBytes, kRing, Access::read);
  ASSERT_TRUE(writer && reader);
  writer->data()[kRing + 9] = std::byte{7};
  EXPECT_EQ(reader->data()[9], std::byte{7});
  EXPECT_EQ(reader->data()[kRing + 9], std::byte{7});
}

TEST_F(RingMappingTest, KillsWhoeverWritesThroughAReadOnlyHalf) {
  for (const std::uint64_t at : {std::uint64_t{0}, kRing}) {
    const auto outcome = run_in_child([&]() -> std::string {
      const auto ring = RingMapping::of(readable_.get(), kPageBytes, kRing, Access::read);
      if (!ring) return std::string(ring.error().sentence());
      *const_cast<volatile std::byte*>(ring->data() + at) = std::byte{1};
      return "it was written";
    });
    EXPECT_EQ(outcome.signal, SIGSEGV) << outcome.said;
  }
}

TEST_F(RingMappingTest, RefusesARingThatIsNoMultipleOfThePage) {
  for (const std::uint64_t bytes : {kRing - 1, std::uint64_t{100}, kRing - kPageBytes / 2}) {
    const auto ring = RingMapping::of(writable_.get(), kPageBytes, bytes, Access::write);
    ASSERT_FALSE(ring) << bytes;
    EXPECT_EQ(ring.error().code(), Errc::bad_argument);
  }
  EXPECT_FALSE(RingMapping::of(writable_.get(), 128, kPageBytes, Access::write));
  EXPECT_FALSE(RingMapping::of(writable_.get(), 0, kRing, Access::write, true)) << "not 2 MiB";
}

TEST_F(RingMappingTest, GivesItsAddressesBackWhenItGoes) {
  void* base = nullptr;
  {
    const auto ring = RingMapping::of(writable_.get(), kPageBytes, kRing, Access::write);
    ASSERT_TRUE(ring);
    base = ring->data();
  }
  for (const std::uint64_t at : {std::uint64_t{0}, kRing}) {
    EXPECT_EQ(msync(static_cast<std::byte*>(base) + at, kRing, MS_ASYNC), -1) << "still mapped";
  }
}

TEST_F(RingMappingTest, IsHiddenFromForksAndCoreDumps) {
  if (!testing_support::advice_is_taken()) GTEST_SKIP() << testing_support::kNoAdvice;
  const auto ring = RingMapping::of(writable_.get(), kPageBytes, kRing, Access::write);
  ASSERT_TRUE(ring);
  for (const std::uint64_t at : {std::uint64_t{0}, kRing}) {
    const std::string smaps = smaps_of(ring->data() + at);
    EXPECT_THAT(smaps, HasSubstr(" dc ")) << "VM_DONTCOPY";
    EXPECT_THAT(smaps, HasSubstr(" dd")) << "VM_DONTDUMP";
  }
}

TEST_F(RingMappingTest, IsWhollyInMemoryAfterPrefaultAndKeepsItsBytes) {
  if (!testing_support::advice_is_taken()) GTEST_SKIP() << testing_support::kNoAdvice;
  for (const Access access : {Access::write, Access::read}) {
    const auto ring = RingMapping::of(writable_.get(), kPageBytes, kRing, access);
    ASSERT_TRUE(ring);
    if (access == Access::write) ring->data()[kPageBytes] = std::byte{3};
    ASSERT_TRUE(ring->prefault());
    EXPECT_EQ(ring->data()[kRing + kPageBytes], std::byte{3});
    for (const std::uint64_t at : {std::uint64_t{0}, kRing}) {
      EXPECT_THAT(smaps_of(ring->data() + at), HasSubstr("Rss:                  64 kB"));
    }
  }
}

TEST_F(RingMappingTest, IsTouchedPageByPageWhereTheKernelCannotPopulate) {
  for (const Access access : {Access::write, Access::read}) {
    const auto outcome = run_in_child([&]() -> std::string {
      if (!testing_support::refuse_call(SYS_madvise, EINVAL)) return "skip";
      const Descriptor& file = access == Access::write ? writable_ : readable_;
      const auto ring = RingMapping::of(file.get(), kPageBytes, kRing, access);
      if (!ring || !ring->prefault()) return "not prefaulted";
      return smaps_of(ring->data()) + smaps_of(ring->data() + kRing);
    });
    if (outcome.said == "skip") GTEST_SKIP() << "system calls cannot be refused here";
    const std::string resident = "Rss:                  64 kB";
    const std::size_t first = outcome.said.find(resident);
    ASSERT_NE(first, std::string::npos) << outcome.said;
    EXPECT_NE(outcome.said.find(resident, first + 1), std::string::npos) << outcome.said;
  }
}

TEST_F(RingMappingTest, NamesTheLimitWhenItMayNotBeLocked) {
  if (kMlockIsIntercepted) GTEST_SKIP() << "this sanitizer never locks memory";
  const auto outcome = run_in_child([&]() -> std::string {
    const rlimit none{kRing / 2, kRing / 2};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return "no limit can be set";
    if (geteuid() == 0 && !testing_support::become_nobody()) return "skip";
    const auto ring = RingMapping::of(writable_.get(), kPageBytes, kRing, Access::write);
    const auto locked = ring->lock_memory();
    return locked ? "it was locked" : std::string(locked.error().sentence());
  });
  if (outcome.said == "skip") GTEST_SKIP() << "root cannot be given up here";
  EXPECT_THAT(outcome.said, HasSubstr("limit for locked memory is 32768 bytes: raise it"));
}

TEST_F(RingMappingTest, IsLockedOnceThoughItIsMappedTwice) {
  if (kMlockIsIntercepted) GTEST_SKIP() << "this sanitizer never locks memory";
  const auto outcome = run_in_child([&]() -> std::string {
    const rlimit just_enough{kRing, kRing};
    if (setrlimit(RLIMIT_MEMLOCK, &just_enough) != 0) return "no limit can be set";
    if (geteuid() == 0 && !testing_support::become_nobody()) return "skip";
    const auto ring = RingMapping::of(writable_.get(), kPageBytes, kRing, Access::write);
    const auto locked = ring->lock_memory();
    return locked ? "" : std::string(locked.error().sentence());
  });
  if (outcome.said == "skip") GTEST_SKIP() << "root cannot be given up here";
  EXPECT_EQ(outcome.said, "");
}

TEST_F(RingMappingTest, IsNotUnmappedByTheDestructorOfAForkedChild) {
  if (!testing_support::advice_is_taken()) GTEST_SKIP() << testing_support::kNoAdvice;
  auto ring = RingMapping::of(writable_.get(), kPageBytes, kRing, Access::write);
  ASSERT_TRUE(ring);
  const auto outcome = run_in_child([&]() -> std::string {
    // The ring was not copied; what the child maps at its addresses must stay.
    void* const mine = mmap(ring->data(), 2 * kRing, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (mine != ring->data()) return "the addresses were taken";
    { const RingMapping gone = std::move(*ring); }
    *static_cast<volatile char*>(mine) = 1;
    return "";
  });
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.said, "");
}

}  // namespace
}  // namespace millrace
