#include "millrace/bench/frozen_calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

using testing::HasSubstr;

FrozenCalibration sample() {
  FrozenCalibration made;
  made.machine = "some processor, kernel 6.1, tsc";
  made.handler = "deadline:5us";
  made.handling = Handling::deadline;
  made.frozen_at_ns = 1'700'000'000'123'456'789;
  made.placements = {
      {.bare_ns = 121.5, .hand_over_ns = 118.25, .enqueue_ns = 11, .service_ns = {5003}},
      {.bare_ns = 552, .hand_over_ns = 270, .enqueue_ns = 12, .service_ns = {5, 6}}};
  made.bare_wakes_ns = {5100, 6200};
  made.writes = SoloWrites{.small_ns = 61e3, .large_ns = 183e3};
  made.outages["publisher"] = {
      .detect_ns = 1e6, .repair_ns = 2e5, .restart_ns = 3e6, .service_rate = 2e5};
  return made;
}

TEST(FrozenCalibration, ComesBackAsItWasFrozen) {
  const std::string text = freeze(sample());
  const auto read = thaw(text);
  ASSERT_TRUE(read) << read.error().sentence();
  EXPECT_EQ(freeze(*read), text);
  EXPECT_EQ(read->frozen_at_ns, 1'700'000'000'123'456'789);
  EXPECT_EQ(read->handling, Handling::deadline);
  EXPECT_EQ(read->placements[1].service_ns, (std::vector<double>{5, 6}));
  EXPECT_EQ(read->writes->large_ns, 183e3);
  EXPECT_EQ(read->outages.at("publisher").restart_ns, 3e6);
}

TEST(FrozenCalibration, WithoutDiskAndFaultsItIsWhole) {
  FrozenCalibration plain = sample();
  plain.writes.reset();
  plain.outages.clear();
  plain.bare_wakes_ns.clear();
  const auto read = thaw(freeze(plain));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->writes);
  EXPECT_TRUE(read->outages.empty());
}

TEST(FrozenCalibration, AnyChangedByteIsSeen) {
  const std::string text = freeze(sample());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int flip : {1, 2, 32}) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      const auto read = thaw(changed);
      ASSERT_FALSE(read) << at;
      EXPECT_THAT(std::string(read.error().sentence()), HasSubstr("calibration changed"));
    }
  }
}

TEST(FrozenCalibration, ANameThatIsNoUtf8IsWrittenAllTheSame) {
  FrozenCalibration odd = sample();
  odd.machine = "processor \xff\xfe";
  EXPECT_TRUE(thaw(freeze(odd)));
}

TEST(FrozenCalibration, AnAddedOrMissingByteIsSeen) {
  const std::string text = freeze(sample());
  EXPECT_FALSE(thaw(text + " "));
  EXPECT_FALSE(thaw(text.substr(0, text.size() - 1)));
  EXPECT_FALSE(thaw(""));
  EXPECT_FALSE(thaw("[]"));
}

TEST(FrozenCalibration, ItJudgesNoOtherMachineHandlerOrOlderRun) {
  const FrozenCalibration one = sample();
  EXPECT_EQ(refusal(one, one.machine, one.handler, one.frozen_at_ns + 1), "");
  EXPECT_THAT(refusal(one, "another", one.handler, one.frozen_at_ns + 1), HasSubstr("machine"));
  EXPECT_THAT(refusal(one, one.machine, "work:5us", one.frozen_at_ns + 1), HasSubstr("handler"));
  EXPECT_THAT(refusal(one, one.machine, one.handler, one.frozen_at_ns), HasSubstr("younger"));
}

TEST(FrozenCalibration, APlacementThatItNeverSawHasNone) {
  const FrozenCalibration one = sample();
  EXPECT_EQ(placement_at(one, 130), &one.placements[0]);
  EXPECT_EQ(placement_at(one, 500), &one.placements[1]);
  EXPECT_EQ(placement_at(one, 250), nullptr);
}

}  // namespace
}  // namespace millrace::bench
