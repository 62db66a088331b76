// Bytes that programs of other versions rely on. A failure here is a change of format: see
// core/FORMAT.md, "Changing a layout".
#include "golden_files.hpp"
#include "millrace/core/clock_layout.hpp"
#include "millrace/core/histogram_layout.hpp"
#include "millrace/core/lane_layout.hpp"
#include "millrace/core/meta_layout.hpp"
#include "millrace/core/reader_layout.hpp"
#include "millrace/core/segment.hpp"
#include "millrace/transport/message.hpp"
#include "support/scratch_directory.hpp"

#include <fcntl.h>
#include <fstream>

#include <gtest/gtest.h>

namespace millrace::format_test {
namespace {

const std::string kGolden = std::string(MILLRACE_SOURCE_DIR) + "/tests/format/golden/";

Bytes golden(const std::string& name) {
  const auto text = read_text_file(kGolden + name + ".hex");
  return text ? from_hex_text(*text).value_or(Bytes{}) : Bytes{};
}

TEST(Golden, FilesAreWhatThisCompilerMakesOfTheLayouts) {
  for (const GoldenFile& file : golden_files()) {
    EXPECT_EQ(read_text_file(kGolden + file.name + ".hex"), to_hex_text(file.bytes))
        << file.name << ": after a change that is meant, run\n"
        << MILLRACE_BIN_DIR << "/layout_golden write " << kGolden;
  }
}

TEST(Golden, EveryFieldIsWhereItHasToBe) {
  for (const GoldenFile& file : golden_files()) {
    for (const std::string& sentence : complaints(file.name, golden(file.name))) {
      ADD_FAILURE() << sentence;
    }
  }
}

TEST(Golden, AByteThatMovedIsNoticed) {
  for (const GoldenFile& file : golden_files()) {
    for (const GoldenField& field : golden_fields(file.name)) {
      Bytes bytes = file.bytes;
      bytes[field.offset] ^= std::byte{0xff};
      EXPECT_FALSE(complaints(file.name, bytes).empty()) << file.name << " " << field.field;
    }
    EXPECT_FALSE(complaints(file.name, Bytes(8)).empty());
  }
  EXPECT_FALSE(complaints("nothing", Bytes(8)).empty());
}

TEST(Golden, TextKeepsEveryByteAndTheLength) {
  Bytes bytes(1000);
  for (std::size_t i = 100; i < 400; ++i)
    bytes[i] = static_cast<std::byte>(i * 7);
  EXPECT_EQ(from_hex_text(to_hex_text(bytes)), bytes);
  EXPECT_FALSE(from_hex_text("00000010: zz"));
  EXPECT_FALSE(from_hex_text("00000010: 00\n00000000: 00\n")) << "goes back";
  EXPECT_FALSE(from_hex_text("no hex text at all"));
}

TEST(Golden, AGoldenLaneIsOpenedAsTheLaneItIs) {
  const testing_support::ScratchDirectory directory;
  const Bytes bytes = golden("lane");
  std::ofstream(directory / "lane-5", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  const SegmentExpectation lane{.kind = layout::FileKind::lane,
                                .fingerprint = layout::kLaneFingerprint,
                                .bytes_min = 8192,
                                .page_bytes = 4096};
  const auto opened = Segment::open(directory.fd(), "lane-5", lane, Access::read);
  ASSERT_TRUE(opened) << opened.error().sentence();
  EXPECT_EQ(opened->header().data_bytes, 4096U);
  EXPECT_FALSE(opened->of_this_boot());
}

// What streams leave free for queues: taking any of it is a new format.
TEST(Reserved, RoomForQueuesIsKept) {
  EXPECT_EQ(sizeof(Message), 64U);
  EXPECT_EQ(alignof(Message), 64U);
  EXPECT_EQ(layout::kTagAreaBytes, 4096U);
  EXPECT_EQ(static_cast<int>(layout::ReaderKind::journal), 2);
  EXPECT_EQ(static_cast<int>(layout::ReaderKind::group), 3);
  EXPECT_EQ(static_cast<int>(layout::ChannelKind::queue), 2);
  EXPECT_EQ(layout::kHistogramFingerprint, 0x7944'5e5e'6e83'eeddU);
}

TEST(Reserved, NoErrorCodeOfStreamsLiesInTheRangeOfQueues) {
  for (int code = 1; code < 400; ++code) {
    const std::string name = to_string(static_cast<Errc>(code));
    if (code >= 100 && code < 200) {
      EXPECT_EQ(name, to_string(static_cast<Errc>(199))) << code;
    }
  }
  EXPECT_STREQ(to_string(Errc::no_readers), "no_readers");
  EXPECT_EQ(static_cast<int>(Errc::no_readers), 28);
}

}  // namespace
}  // namespace millrace::format_test
