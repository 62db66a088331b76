#include "millrace/core/participant_name.hpp"

#include "millrace/core/limits.hpp"

#include <random>

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(ParticipantName, WritesTheIdInDecimalAndTheIncarnationInSixteenDigits) {
  EXPECT_EQ(to_string(ParticipantName{17, 0xc0ffee}), "17.0000000000c0ffee");
  EXPECT_EQ(to_string(ParticipantName{0, 1}), "0.0000000000000001");
  EXPECT_EQ(to_string(ParticipantName{1023, ~std::uint64_t{0}}), "1023.ffffffffffffffff");
}

TEST(ParticipantName, ReadsBackWhatItWrote) {
  std::mt19937_64 random(4711);
  for (int times = 0; times < 10'000; ++times) {
    const ParticipantName name{static_cast<std::uint32_t>(random() % kParticipantsMax),
                               random() | 1};
    const auto back = parse_participant_name(to_string(name));
    ASSERT_TRUE(back) << to_string(name);
    ASSERT_EQ(*back, name);
  }
}

TEST(ParticipantName, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      ".",
                                      "..",
                                      "1",
                                      "1.",
                                      ".0000000000000001",
                                      "1.000000000000001",
                                      "1.00000000000000001",
                                      "1.0000000000000000",
                                      "01.0000000000000001",
                                      "-1.0000000000000001",
                                      "+1.0000000000000001",
                                      " 1.0000000000000001",
                                      "1.0000000000000001 ",
                                      "1024.0000000000000001",
                                      "4294967297.0000000000000001",
                                      "1.000000000000000G",
                                      "1.00000000000000FF",
                                      "1.0x00000000000001",
                                      "1.-000000000000001",
                                      "1.0000.00000000001",
                                      ".new.1.2.3",
                                      "1..0000000000000001"}) {
    EXPECT_FALSE(parse_participant_name(text)) << '"' << text << '"';
  }
  EXPECT_FALSE(parse_participant_name(std::string_view("1.0000000000000001\0", 19)));
}

TEST(ParticipantName, OrdersByIdFirst) {
  EXPECT_LT((ParticipantName{1, 9}), (ParticipantName{2, 1}));
  EXPECT_LT((ParticipantName{2, 1}), (ParticipantName{2, 2}));
}

}  // namespace
}  // namespace millrace
