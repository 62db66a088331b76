// What later versions may put into files of this one, in real files: each thing is refused, passed
// over or ignored, as core/FORMAT.md says.
#include "millrace/core/lane_layout.hpp"
#include "millrace/core/meta_layout.hpp"
#include "millrace/transport/domain.hpp"
#include "support/scratch_directory.hpp"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using layout::MetaFile;
using layout::RecordHeader;

class LaterVersion : public testing::Test {
 protected:
  LaterVersion() {
    auto opened = Domain::open({.path = directory_ / "domain"});
    EXPECT_TRUE(opened) << opened.error().sentence();
    domain_.emplace(std::move(*opened));
    ChannelOptions options;
    options.ring_bytes = 4096;
    EXPECT_TRUE(domain_->create("prices", options));
  }

  // Overwrites bytes of a channel's file, as a later version would have written them.
  template <class T>
  void put(const std::string& file, std::size_t offset, const T& value) {
    const std::string path = directory_ / ("domain/prices/" + file);
    const Descriptor fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(pwrite(fd.get(), &value, sizeof value, static_cast<off_t>(offset)),
              static_cast<ssize_t>(sizeof value))
        << path;
  }

  Errc found() {
    auto channel = domain_->find("prices");
    return channel ? Errc{0} : channel.error().code();
  }

  // Five messages of four bytes, "m  0" to "m  4", at positions 0, 16, 32, 48 and 64 of lane 0.
  Channel five_messages() {
    auto channel = domain_->find("prices");
    EXPECT_TRUE(channel);
    auto publisher = channel->publisher();
    EXPECT_TRUE(publisher);
    for (char number = '0'; number < '5'; ++number)
      EXPECT_TRUE(publisher->send(std::string("m  ") + number));
    return *channel;
  }

  void put_record(std::size_t number, RecordHeader header) {
    put("lane-0", 4096 + number * 16, header.word());
  }

  struct Read {
    std::string text;  // last bytes of the messages delivered
    Errc end{0};       // the error that ended it
    ReaderStats stats;
    std::vector<Sequence> sequences;
  };

  static Read read_all(const Channel& channel) {
    SubscriberOptions options;
    options.from = From::oldest();
    options.until_closed = true;
    auto subscriber = channel.subscriber(options);
    Read read;
    if (!subscriber) return read.end = subscriber.error().code(), read;
    for (;;) {
      auto message = subscriber->poll_for(5s);
      if (!message) {
        read.end = message.error().code();
        break;
      }
      read.text += message->text().back();
      read.sequences.push_back(message->sequence());
    }
    read.stats = subscriber->stats();
    return read;
  }

  testing_support::ScratchDirectory directory_;
  std::optional<Domain> domain_;
};

TEST_F(LaterVersion, SetsAFeatureThatReadersMustKnowAndIsRefused) {
  for (const char* const file : {"meta", "doorbell"}) {
    put(file, offsetof(layout::SegmentHeader, features_read), std::uint64_t{1} << 63);
    EXPECT_EQ(found(), Errc::format) << file;
    put(file, offsetof(layout::SegmentHeader, features_read), std::uint64_t{0});
    EXPECT_EQ(found(), Errc{0}) << file;
  }
}

TEST_F(LaterVersion, SetsAFeatureThatNobodyNeedsToKnow) {
  put("meta", offsetof(layout::SegmentHeader, features_info), ~std::uint64_t{0});
  put("doorbell", offsetof(layout::SegmentHeader, features_info), ~std::uint64_t{0});
  five_messages();
  put("lane-0", offsetof(layout::SegmentHeader, features_info), ~std::uint64_t{0});
  EXPECT_EQ(read_all(*domain_->find("prices")).text, "01234");
}

TEST_F(LaterVersion, SetsAFeatureThatWritersMustKnowInALane) {
  {
    auto publisher = domain_->find("prices")->publisher({.name = "feed"});
    ASSERT_TRUE(publisher);
    ASSERT_TRUE(publisher->send("read me"));
  }
  put("lane-0", offsetof(layout::SegmentHeader, features_write), std::uint64_t{1});
  const Channel channel = *domain_->find("prices");
  EXPECT_EQ(read_all(channel).text, "e") << "it may be read";
  const auto successor = channel.publisher({.name = "feed"});
  ASSERT_FALSE(successor) << "and not be continued";
  EXPECT_EQ(successor.error().code(), Errc::format);
}

TEST_F(LaterVersion, SetsAFeatureThatWritersMustKnowInAChannel) {
  const Channel before = five_messages();
  put("meta", offsetof(layout::SegmentHeader, features_write), std::uint64_t{1});
  auto channel = domain_->find("prices");
  ASSERT_TRUE(channel) << channel.error().sentence();
  const auto publisher = channel->publisher();
  ASSERT_FALSE(publisher);
  EXPECT_EQ(publisher.error().code(), Errc::format);
  EXPECT_EQ(read_all(*channel).text, "01234");
}

TEST_F(LaterVersion, WritesTagsThatMayBeIgnored) {
  put("meta", offsetof(MetaFile, tags), layout::Tag{.tag = 77, .flags = 0, .length = 11});
  put("meta", offsetof(MetaFile, tags) + 24, layout::Tag{.tag = 78, .flags = 2, .length = 0});
  EXPECT_EQ(found(), Errc{0});
  const layout::Tag critical{.tag = 79, .flags = layout::kTagCritical, .length = 4};
  put("meta", offsetof(MetaFile, tags) + 40, critical);
  EXPECT_EQ(found(), Errc{0}) << "behind the end of the list, which tag 0 at 32 marks";
}

TEST_F(LaterVersion, WritesATagThatMustBeUnderstood) {
  put("meta", offsetof(MetaFile, tags), layout::Tag{.tag = 77, .flags = 0, .length = 11});
  const layout::Tag critical{.tag = 78, .flags = layout::kTagCritical, .length = 4};
  put("meta", offsetof(MetaFile, tags) + 24, critical);
  EXPECT_EQ(found(), Errc::format);
}

TEST_F(LaterVersion, MakesChannelsOfOtherKinds) {
  put("meta", offsetof(MetaFile, kind), static_cast<std::uint32_t>(layout::ChannelKind::queue));
  EXPECT_EQ(found(), Errc::format);
  put("meta", offsetof(MetaFile, kind), static_cast<std::uint32_t>(layout::ChannelKind::stream));
  put("meta", offsetof(MetaFile, order), std::uint32_t{2});
  EXPECT_EQ(found(), Errc::format);
  put("meta", offsetof(MetaFile, order), std::uint32_t{0});
  put("meta", offsetof(MetaFile, durable), std::uint32_t{1});
  EXPECT_EQ(found(), Errc::format);
}

TEST_F(LaterVersion, RaisesItsNumber) {
  put("meta", offsetof(layout::SegmentHeader, format_minor), std::uint16_t{9});
  EXPECT_EQ(found(), Errc{0}) << "a minor version only adds what may be ignored";
  put("meta", offsetof(layout::SegmentHeader, format_major), std::uint16_t{2});
  EXPECT_EQ(found(), Errc::format);
}

TEST_F(LaterVersion, WritesRecordsThatMayBeSkippedAndThoseAreCounted) {
  const Channel channel = five_messages();
  for (unsigned type = 8; type <= 11; ++type) {
    const auto number = type - 8;
    put_record(number, {.length = 4,
                        .type = static_cast<RecordType>(type),
                        .sequence = static_cast<std::uint8_t>(number),
                        .flags = 0x3f,
                        .key = 5});
  }
  const Read read = read_all(channel);
  EXPECT_EQ(read.text, "4");
  EXPECT_EQ(read.sequences, std::vector<Sequence>{4}) << "they keep their numbers";
  EXPECT_EQ(read.stats.unknown, 4U);
  EXPECT_EQ(read.end, Errc::closed);
}

TEST_F(LaterVersion, WritesRecordsThatMustBeUnderstood) {
  const Channel channel = five_messages();
  for (const unsigned type : {4U, 5U, 7U, 12U, 13U, 14U, 15U}) {
    put_record(
        1,
        {.length = 4, .type = static_cast<RecordType>(type), .sequence = 1, .flags = 0, .key = 0});
    const Read read = read_all(channel);
    EXPECT_EQ(read.text, "0") << type << ": what lies before it is delivered";
    EXPECT_EQ(read.end, Errc::format) << type;
  }
}

TEST_F(LaterVersion, SetsFlagsOfRecordsThatMustBeUnderstood) {
  const Channel channel = five_messages();
  for (unsigned bit = 0; bit < 8; ++bit) {
    put_record(1, {.length = 4,
                   .type = RecordType::message,
                   .sequence = 1,
                   .flags = static_cast<std::uint8_t>(1U << bit),
                   .key = 0});
    const Read read = read_all(channel);
    EXPECT_EQ(read.text, "0") << "bit " << bit;
    EXPECT_EQ(read.end, Errc::format) << "bit " << bit;
  }
}

TEST_F(LaterVersion, IsNotBlamedForBytesThatNoVersionWrites) {
  const Channel channel = five_messages();
  put_record(1, {.length = 4,
                 .type = static_cast<RecordType>(12),
                 .sequence = 77,  // not the number of this place
                 .flags = 0,
                 .key = 0});
  EXPECT_EQ(read_all(channel).end, Errc::poisoned);
}

TEST_F(LaterVersion, PadsAndAbortsAndEveryNumberStaysRight) {
  const Channel channel = five_messages();
  const auto message = [](unsigned sequence) {
    return RecordHeader{.length = 4,
                        .type = RecordType::message,
                        .sequence = static_cast<std::uint8_t>(sequence),
                        .flags = 0,
                        .key = 0};
  };
  put_record(1, {.length = 4, .type = RecordType::pad, .sequence = 0, .flags = 0, .key = 0});
  put_record(2, {.length = 4, .type = RecordType::aborted, .sequence = 1, .flags = 0, .key = 0});
  put_record(3, message(2));
  put_record(4, message(3));
  const Read read = read_all(channel);
  EXPECT_EQ(read.text, "034");
  EXPECT_EQ(read.sequences, (std::vector<Sequence>{0, 2, 3}));
  EXPECT_EQ(read.stats.unknown, 0U);
}

TEST_F(LaterVersion, KeepsFilesOfItsOwnBesideTheLanes) {
  const std::string channel = directory_ / "domain/prices/";
  const char* const directories[] = {"groups", "schedule", "replies"};
  const char* const files[] = {"park", "routes-1", "producers", "journal"};
  for (const char* const name : directories)
    ASSERT_TRUE(std::filesystem::create_directory(channel + name));
  for (const char* const name : files)
    ASSERT_TRUE(Descriptor(open((channel + name).c_str(), O_CREAT | O_RDWR, 0600)).valid());
  EXPECT_EQ(read_all(five_messages()).text, "01234");
  EXPECT_TRUE(domain_->find("prices")->stats());
  EXPECT_TRUE(domain_->clean());
  for (const char* const name : directories)
    EXPECT_TRUE(std::filesystem::exists(channel + name)) << name;
  for (const char* const name : files)
    EXPECT_TRUE(std::filesystem::exists(channel + name)) << name;
}

TEST_F(LaterVersion, FindsTheNamesOfTheDomainsOwnFilesUnused) {
  for (const char* const name : {"participants", "clock-0badcafe-4026531834"}) {
    auto made = domain_->create(name);
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code(), Errc::bad_argument) << name;
  }
  EXPECT_TRUE(domain_->create("clock-ticks"));
}

}  // namespace
}  // namespace millrace
