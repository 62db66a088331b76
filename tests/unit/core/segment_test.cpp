// Opening a file that somebody else made, and believing nothing in it.
#include "millrace/core/segment.hpp"

#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using layout::SegmentHeader;
using testing::AllOf;
using testing::HasSubstr;
using testing_support::run_in_child;
using testing_support::ScratchDirectory;

constexpr std::uint64_t kFileBytes = 3 * kPageBytes;
constexpr SegmentExpectation kExpected{.kind = layout::FileKind::lane, .fingerprint = 0xfeed};

class SegmentTest : public testing::Test {
 protected:
  SegmentTest() {
    const SegmentPlan plan{.kind = layout::FileKind::lane,
                           .fingerprint = 0xfeed,
                           .file_bytes = kFileBytes,
                           .data_bytes = 2 * kPageBytes,
                           .data_offset = kPageBytes,
                           .mode = 0640,
                           .creator_incarnation = 77};
    auto made = NewSegment::create(scratch_.fd(), plan);
    EXPECT_TRUE(made && made->link(scratch_.fd(), "lane-0"));
  }

  Result<Segment> open_lane(Access access = Access::read,
                            const SegmentExpectation& expected = kExpected) const {
    return Segment::open(scratch_.fd(), "lane-0", expected, access);
  }

  // Overwrites bytes of the file, as a broken or hostile owner could.
  template <class Value>
  void overwrite(std::size_t offset, Value value) const {
    const Descriptor file(openat(scratch_.fd(), "lane-0", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(pwrite(file.get(), &value, sizeof value, static_cast<off_t>(offset)),
              static_cast<ssize_t>(sizeof value));
  }

  void expect_format_error(const std::string& named, Access access = Access::read) const {
    const auto opened = open_lane(access);
    ASSERT_FALSE(opened) << named;
    EXPECT_EQ(opened.error().code(), Errc::format);
    EXPECT_THAT(std::string(opened.error().sentence()),
                AllOf(HasSubstr("lane-0"), HasSubstr(named)));
  }

  ScratchDirectory scratch_;
};

TEST_F(SegmentTest, ShowsWhatItsCreatorPlanned) {
  const auto lane = open_lane();
  ASSERT_TRUE(lane) << lane.error().sentence();
  EXPECT_EQ(lane->size(), kFileBytes);
  EXPECT_EQ(lane->header().data_bytes, 2 * kPageBytes);
  EXPECT_EQ(lane->header().creator_incarnation, 77U);
  EXPECT_GT(lane->header().created_wall_ns, 0U);
  EXPECT_EQ(std::memcmp(lane->data(), "MILLRACE", 8), 0);
  EXPECT_TRUE(lane->of_this_boot());
  EXPECT_FALSE(lane->unlinked());
  EXPECT_EQ(lane->bytes_now(), kFileBytes);
}

TEST_F(SegmentTest, SharesItsBytesBetweenWriterAndReader) {
  const auto writer = open_lane(Access::write);
  const auto reader = open_lane(Access::read);
  ASSERT_TRUE(writer && reader);
  writer->data()[5000] = std::byte{9};
  EXPECT_EQ(reader->data()[5000], std::byte{9});
}

TEST_F(SegmentTest, RefusesAFileThatIsNotOurs) {
  overwrite(offsetof(SegmentHeader, magic), std::uint64_t{0x1122});
  expect_format_error("magic");
}

TEST_F(SegmentTest, RefusesAFileOfTheOtherByteOrder) {
  overwrite(offsetof(SegmentHeader, magic), __builtin_bswap64(layout::kMagic));
  expect_format_error("byte order");
}

TEST_F(SegmentTest, RefusesAnotherEndiannessMark) {
  overwrite(offsetof(SegmentHeader, endianness), std::uint32_t{0x0403'0201});
  expect_format_error("endianness 04030201");
}

TEST_F(SegmentTest, RefusesAFileOfAnotherVersionAndNamesBoth) {
  overwrite(offsetof(SegmentHeader, format_major), std::uint16_t{2});
  expect_format_error("made by format 2.0, this is 1.0");
}

TEST_F(SegmentTest, AcceptsANewerMinorVersion) {
  overwrite(offsetof(SegmentHeader, format_minor), std::uint16_t{9});
  EXPECT_TRUE(open_lane());
}

TEST_F(SegmentTest, RefusesAnotherLayout) {
  overwrite(offsetof(SegmentHeader, fingerprint), std::uint64_t{0xbad});
  expect_format_error("fingerprint 0000000000000bad");
}

TEST_F(SegmentTest, RefusesAFileOfAnotherKindAndNamesBoth) {
  overwrite(offsetof(SegmentHeader, kind), std::uint32_t{4});
  expect_format_error("kind 4 (reader), expected was 3 (lane)");
}

TEST_F(SegmentTest, RefusesAnotherPageSize) {
  overwrite(offsetof(SegmentHeader, page_bytes), std::uint32_t{65536});
  expect_format_error("page_bytes 65536");
}

TEST_F(SegmentTest, RefusesSizesThatCannotBe) {
  overwrite(offsetof(SegmentHeader, file_bytes), kFileBytes + 1);
  expect_format_error("cut off");
  overwrite(offsetof(SegmentHeader, file_bytes), std::uint64_t{64});
  expect_format_error("file_bytes 64");
  overwrite(offsetof(SegmentHeader, file_bytes), ~std::uint64_t{0});
  expect_format_error("cut off");
  overwrite(offsetof(SegmentHeader, file_bytes), kFileBytes);
  overwrite(offsetof(SegmentHeader, data_bytes), kFileBytes + 1);
  expect_format_error("data_bytes");
}

TEST_F(SegmentTest, RefusesAFileSmallerThanExpected) {
  SegmentExpectation larger = kExpected;
  larger.bytes_min = kFileBytes + 1;
  const auto opened = open_lane(Access::read, larger);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::format);
}

TEST_F(SegmentTest, RefusesAnUnknownFeatureThatReadersMustKnow) {
  overwrite(offsetof(SegmentHeader, features_read), std::uint64_t{1} << 40);
  expect_format_error("features_read 0x10000000000");
}

TEST_F(SegmentTest, IsReadOnlyWithAnUnknownFeatureThatWritersMustKnow) {
  overwrite(offsetof(SegmentHeader, features_write), std::uint64_t{4});
  expect_format_error("features_write 0x4 that this version does not know: it can only be read",
                      Access::write);
  EXPECT_TRUE(open_lane(Access::read));
}

TEST_F(SegmentTest, IgnoresAnUnknownFeatureOfInformation) {
  overwrite(offsetof(SegmentHeader, features_info), ~std::uint64_t{0});
  EXPECT_TRUE(open_lane(Access::write));
}

TEST_F(SegmentTest, OpensAFileOfAnotherBootAndSaysSo) {
  overwrite(offsetof(SegmentHeader, boot_id), std::uint64_t{0});
  const auto opened = open_lane();
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->of_this_boot());
}

TEST_F(SegmentTest, ChecksEveryFieldOfTheHeaderOrDoesNotDependOnIt) {
  // Every bit of the header is flipped once. The file opens or is refused with Errc::format, and
  // exactly the fields that describe rather than shape may take any value.
  const std::size_t free_of_meaning_from = offsetof(SegmentHeader, features_info);
  for (std::size_t bit = 0; bit < 8 * sizeof(SegmentHeader); ++bit) {
    const std::size_t at = bit / 8;
    std::uint8_t original = 0;
    const Descriptor file(openat(scratch_.fd(), "lane-0", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(pread(file.get(), &original, 1, static_cast<off_t>(at)), 1);
    overwrite(at, static_cast<std::uint8_t>(original ^ 1U << bit % 8));
    const auto opened = open_lane(Access::write);
    EXPECT_TRUE(opened || opened.error().code() == Errc::format) << "bit " << bit;
    const bool minor = at == 10 || at == 11;
    const bool size =
        at >= offsetof(SegmentHeader, file_bytes) && at < offsetof(SegmentHeader, features_read);
    if (at < free_of_meaning_from && !minor && !size) {
      EXPECT_FALSE(opened) << "bit " << bit << " was not checked";
    }
    EXPECT_TRUE(opened || at < free_of_meaning_from) << "bit " << bit;
    overwrite(at, original);
  }
  EXPECT_TRUE(open_lane(Access::write));
}

TEST_F(SegmentTest, RefusesAFileThatIsTooShortForAHeader) {
  for (const off_t bytes : {off_t{127}, off_t{8}, off_t{0}}) {
    ASSERT_EQ(truncate((scratch_ / "lane-0").c_str(), bytes), 0);
    expect_format_error("too few for a header");
  }
}

TEST_F(SegmentTest, RefusesWhateverIsNotAFileWithoutWaitingForIt) {
  const int directory = scratch_.fd();
  ASSERT_EQ(mkfifoat(directory, "pipe", 0600), 0);
  ASSERT_EQ(mkdirat(directory, "directory", 0700), 0);
  ASSERT_EQ(symlinkat("lane-0", directory, "link"), 0);
  const Descriptor socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (scratch_ / "socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  const std::vector<std::pair<const char*, const char*>> things{{"pipe", "named pipe"},
                                                                {"directory", "directory"},
                                                                {"link", "symbolic link"},
                                                                {"socket", "socket"}};
  for (const auto& [name, type] : things) {
    for (const Access access : {Access::read, Access::write}) {
      const auto opened = Segment::open(directory, name, kExpected, access);
      ASSERT_FALSE(opened) << name;
      EXPECT_EQ(opened.error().code(), Errc::format) << opened.error().sentence();
      EXPECT_THAT(std::string(opened.error().sentence()), HasSubstr(type));
    }
  }
}

TEST_F(SegmentTest, IsNotFoundUnderAnotherName) {
  const auto opened = Segment::open(scratch_.fd(), "lane-1", kExpected, Access::read);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::not_found);
}

TEST_F(SegmentTest, NoticesThatItsNameWasRemoved) {
  const auto lane = open_lane();
  ASSERT_TRUE(lane);
  ASSERT_EQ(unlinkat(scratch_.fd(), "lane-0", 0), 0);
  EXPECT_TRUE(lane->unlinked());
}

TEST_F(SegmentTest, NoticesThatItsOwnerCutItOff) {
  const auto lane = open_lane();
  ASSERT_TRUE(lane);
  ASSERT_EQ(truncate((scratch_ / "lane-0").c_str(), 100), 0);
  EXPECT_EQ(lane->bytes_now(), 100U);
}

TEST_F(SegmentTest, NamesOwnerAndModeToAStrangerWhoMayNotOpenIt) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (chmod(scratch_.path().c_str(), 0755) != 0) return "chmod";
    if (!testing_support::become_nobody()) return "skip";
    const auto opened = open_lane(Access::read);
    if (opened) return "it was opened";
    if (opened.error().code() != Errc::no_permission) return "another code";
    return std::string(opened.error().sentence());
  });
  if (outcome.said == "skip") GTEST_SKIP() << "root cannot be given up here";
  EXPECT_THAT(outcome.said, AllOf(HasSubstr("user 0"), HasSubstr("mode 0640"),
                                  HasSubstr("this is user 65534"), HasSubstr("to read")));
}

TEST_F(SegmentTest, MayBeReadButNotWrittenByAStrangerIfItsModeSaysSo) {
  ASSERT_EQ(chmod((scratch_ / "lane-0").c_str(), 0644), 0);
  const auto outcome = run_in_child([&]() -> std::string {
    if (chmod(scratch_.path().c_str(), 0755) != 0) return "chmod";
    if (!testing_support::become_nobody()) return "skip";
    const auto reader = open_lane(Access::read);
    if (!reader) return std::string(reader.error().sentence());
    // What a read-only peer could try: to cut the file off, or to make its mapping writable.
    if (ftruncate(reader->fd(), 0) == 0) return "it was truncated";
    const auto writer = open_lane(Access::write);
    if (writer) return "it was opened for writing";
    return writer.error().code() == Errc::no_permission ? "" : "another code";
  });
  if (outcome.said == "skip") GTEST_SKIP() << "root cannot be given up here";
  EXPECT_EQ(outcome.said, "");
}

TEST_F(SegmentTest, IsSharedWithAProcessInOtherPidAndMountNamespaces) {
  const auto outcome = run_in_child([&]() -> std::string {
    if (!testing_support::leave_mount_namespace() || unshare(CLONE_NEWPID) != 0) return "skip";
    const auto inner = run_in_child([&]() -> std::string {
      if (getpid() != 1) return "not in a pid namespace of its own";
      const auto lane = open_lane(Access::write);
      if (!lane) return std::string(lane.error().sentence());
      lane->data()[4096] = std::byte{0x5a};
      auto made = NewSegment::create(
          scratch_.fd(),
          {.kind = layout::FileKind::meta, .fingerprint = 1, .file_bytes = kPageBytes});
      if (!made) return std::string(made.error().sentence());
      const auto linked = made->link(scratch_.fd(), "meta");
      return linked ? "" : std::string(linked.error().sentence());
    });
    return inner.said;
  });
  if (outcome.said == "skip") GTEST_SKIP() << "namespaces are forbidden here";
  EXPECT_EQ(outcome.said, "");
  const auto lane = open_lane();
  ASSERT_TRUE(lane);
  EXPECT_EQ(lane->data()[4096], std::byte{0x5a});
  EXPECT_TRUE(Segment::open(scratch_.fd(), "meta", {layout::FileKind::meta, 1}, Access::read));
}

}  // namespace
}  // namespace millrace
