// Rings of huge pages, on a hugetlbfs of the test's own. Needs root and a kernel that gives eight
// huge pages; skipped with the reason elsewhere.
#include "millrace/core/hugetlbfs.hpp"

#include "millrace/core/headroom.hpp"
#include "millrace/core/segment.hpp"
#include "millrace/core/sigbus_guard.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <atomic>
#include <cstdint>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <string>
#include <sys/mount.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::run_in_child;
using testing_support::ScratchDirectory;

constexpr std::uint64_t kRing = 2 * kHugePageBytes;
constexpr const char* kPool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";

std::uint64_t pool_number(const char* name) {
  std::uint64_t number = 0;
  std::ifstream(std::string(kPool) + name) >> number;
  return number;
}

void set_pool(std::uint64_t pages) {
  std::ofstream(std::string(kPool) + "nr_hugepages") << pages;
}

// Lends eight free huge pages to the test, and gives them back.
class HugetlbfsTest : public testing::Test {
 protected:
  HugetlbfsTest() : pages_before_(pool_number("nr_hugepages")) { set_pool(pages_before_ + 8); }

  ~HugetlbfsTest() override { set_pool(pages_before_); }

  // Runs the body in a mount namespace with a hugetlbfs at the scratch directory.
  template <class Body>
  std::string with_hugetlbfs(Body body) {
    if (pool_number("free_hugepages") < 8) return "skip";
    const auto outcome = run_in_child([&]() -> std::string {
      if (!testing_support::leave_mount_namespace()) return "skip";
      if (mount("none", scratch_.path().c_str(), "hugetlbfs", 0, "pagesize=2M") != 0) return "skip";
      const Descriptor directory(open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY));
      return body(directory.get());
    });
    EXPECT_EQ(outcome.signal, 0);
    return outcome.said;
  }

  static SegmentPlan plan(bool unnamed) {
    SegmentPlan plan;
    plan.kind = layout::FileKind::lane_data;
    plan.file_bytes = kHugePageBytes + kRing;
    plan.data_bytes = kRing;
    plan.data_offset = kHugePageBytes;
    plan.page_bytes = kHugePageBytes;
    plan.unnamed = unnamed;
    return plan;
  }

  static constexpr SegmentExpectation kExpected{.kind = layout::FileKind::lane_data,
                                                .page_bytes = kHugePageBytes};

  ScratchDirectory scratch_;
  std::uint64_t pages_before_;
};

TEST_F(HugetlbfsTest, HoldsARingThatIsMappedTwiceAtAHugePage) {
  for (const bool unnamed : {true, false}) {
    const std::string said = with_hugetlbfs([&](int directory) -> std::string {
      auto made = NewSegment::create(directory, plan(unnamed));
      if (!made) return std::string(made.error().sentence());
      const auto linked = made->link(directory, "data");
      if (!linked) return std::string(linked.error().sentence());
      const auto opened = Segment::open(directory, "data", kExpected, Access::read);
      if (!opened) return std::string(opened.error().sentence());
      const auto writer = RingMapping::of(made->fd(), kHugePageBytes, kRing, Access::write, true);
      const auto reader = RingMapping::of(opened->fd(), kHugePageBytes, kRing, Access::read, true);
      if (!writer || !reader) return "no ring";
      if (reinterpret_cast<std::uintptr_t>(writer->data()) % kHugePageBytes != 0) return "base";
      if (!writer->prefault() || !reader->prefault()) return "not populated";
      writer->data()[kRing + 5] = std::byte{9};
      if (reader->data()[5] != std::byte{9}) return "not shared";
      return made->data()[kHugePageBytes + 5] == std::byte{9} ? "" : "not in the file";
    });
    if (said == "skip") GTEST_SKIP() << "no huge pages, or mounting is forbidden here";
    EXPECT_EQ(said, "");
  }
}

TEST_F(HugetlbfsTest, RefusesMorePagesThanAreFreeAndTakesNone) {
  const std::string said = with_hugetlbfs([&](int directory) -> std::string {
    const std::uint64_t before = pool_number("free_hugepages");
    SegmentPlan large = plan(true);
    large.data_bytes = (before + 1) * kHugePageBytes;
    large.file_bytes = large.data_bytes + kHugePageBytes;
    const auto made = NewSegment::create(directory, large);
    if (made) return "it was made";
    if (made.error().code() != Errc::no_space) return "another code";
    if (pool_number("free_hugepages") != before) return "pages are gone";
    return std::string(made.error().sentence());
  });
  if (said == "skip") GTEST_SKIP() << "no huge pages, or mounting is forbidden here";
  EXPECT_THAT(said, AllOf(HasSubstr("huge pages of 2 MiB are needed"), HasSubstr("nr_hugepages")));
}

TEST_F(HugetlbfsTest, CountsPagesThatOthersReservedAsTaken) {
  const std::string said = with_hugetlbfs([&](int directory) -> std::string {
    const auto before = measure_headroom(directory, {});
    // A mapping reserves its pages without taking them.
    const Descriptor other(openat(directory, "other", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (ftruncate(other.get(), static_cast<off_t>(kRing)) != 0) return "no file";
    const auto reserved = Mapping::of(other.get(), 0, kRing, Access::write);
    const auto after = measure_headroom(directory, {});
    if (!before || !reserved || !after) return "not measured";
    return before->huge_bytes - after->huge_bytes == kRing ? "" : "not counted";
  });
  if (said == "skip") GTEST_SKIP() << "no huge pages, or mounting is forbidden here";
  EXPECT_EQ(said, "");
}

TEST_F(HugetlbfsTest, IsGuardedAgainstAnOwnerWhoCutsItOff) {
  const std::string said = with_hugetlbfs([&](int directory) -> std::string {
    auto made = NewSegment::create(directory, plan(true));
    if (!made) return std::string(made.error().sentence());
    const auto ring = RingMapping::of(made->fd(), kHugePageBytes, kRing, Access::read, true);
    std::atomic<std::uint32_t> poisoned{0};
    if (!ring || !SigbusGuard::install()) return "not guarded";
    if (!SigbusGuard::watch(ring->data(), 2 * kRing, &poisoned)) return "not watched";
    made->data()[kHugePageBytes + 5] = std::byte{9};
    if (ftruncate(made->fd(), static_cast<off_t>(2 * kHugePageBytes)) != 0) return "not cut off";
    if (ring->data()[5] != std::byte{9} || poisoned.load() != 0) return "poisoned too early";
    const volatile std::byte* const data = ring->data();
    if (data[kHugePageBytes + 5000] != std::byte{0}) return "no zero";
    return poisoned.load() == 1 && data[2 * kRing - 1] == std::byte{0} ? "" : "not poisoned";
  });
  if (said == "skip") GTEST_SKIP() << "no huge pages, or mounting is forbidden here";
  EXPECT_EQ(said, "");
}

TEST_F(HugetlbfsTest, IsFoundWhereItIsMounted) {
  const std::string said = with_hugetlbfs([&](int) -> std::string {
    const auto found = find_hugetlbfs();
    if (!found) return std::string(found.error().sentence());
    return std::filesystem::is_directory(*found) ? "" : "no directory";
  });
  if (said == "skip") GTEST_SKIP() << "no huge pages, or mounting is forbidden here";
  EXPECT_EQ(said, "");
}

TEST(Hugetlbfs, TellsHowToGetOneWhereNoneIsMounted) {
  const auto found = find_hugetlbfs();
  if (found) GTEST_SKIP() << "there is one at " << *found;
  EXPECT_EQ(found.error().code(), Errc::unsupported);
  EXPECT_THAT(std::string(found.error().sentence()), HasSubstr("or use normal pages"));
}

}  // namespace
}  // namespace millrace
