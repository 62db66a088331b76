// Participants' files with anything in them: whoever looks gets an error or an answer, and lives.
#include "millrace/core/participant_info.hpp"
#include "process/domain_fixture.hpp"
#include "process/member.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

class Damage : public testing_support::DomainTest {
 protected:
  [[nodiscard]] static std::vector<char> contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  static void write(const std::string& path, const std::vector<char>& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  // Everything that reads a file of others.
  void look(ParticipantName name) const {
    static_cast<void>(describe(domain(), name));
    static_cast<void>(removable(domain(), name, nothing_registered));
    for (const ParticipantInfo& info : list_participants(domain())) {
      EXPECT_LT(info.name.size(), kNameBytes + 1);
      for (const char letter : info.name)
        EXPECT_TRUE(letter >= ' ' && letter <= '~');
    }
  }
};

TEST_F(Damage, RandomBytesLengthsAndFlippedBitsAreSurvived) {
  const auto participant = enter();
  const std::vector<char> right = contents(file_of(participant->name()));
  ASSERT_EQ(right.size(), sizeof(layout::ParticipantFile));
  const ParticipantName name{9, participant->name().incarnation};
  constexpr unsigned kSeed = 4711;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  for (int times = 0; times < 3000; ++times) {
    std::vector<char> bytes = right;
    const std::uint32_t nine = 9;
    std::memcpy(bytes.data() + offsetof(layout::ParticipantFile, id), &nine, sizeof nine);
    for (unsigned flips = random() % 8; flips > 0; --flips) {
      bytes[random() % 256] = static_cast<char>(random());
    }
    if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 100));
    if (random() % 16 == 0) {
      for (char& byte : bytes)
        byte = static_cast<char>(random());
    }
    write(file_of(name), bytes);
    look(name);
  }
  EXPECT_TRUE(testing_support::is_alive(domain(), participant->name()));
}

TEST_F(Damage, ANameForTerminalsHoldsNothingThatCommandsThem) {
  const auto entered = Participant::enter(domain(), "\x1b[2Jboo\xff\n");
  ASSERT_TRUE(entered);
  EXPECT_EQ(describe(domain(), (*entered)->name())->name, "?[2Jboo??");
}

TEST_F(Damage, ANameWithoutItsZeroEndsWithItsField) {
  const auto participant = enter();
  std::vector<char> bytes = contents(file_of(participant->name()));
  std::memset(bytes.data() + offsetof(layout::ParticipantFile, name), 'x', kNameBytes);
  write(file_of(participant->name()), bytes);
  EXPECT_EQ(describe(domain(), participant->name())->name, std::string(kNameBytes, 'x'));
}

TEST_F(Damage, ATruncatedFileIsListedWithWhatIsCertain) {
  testing_support::Member member(domain());
  std::filesystem::resize_file(file_of(member.name()), 200);
  const auto refused = describe(domain(), member.name());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::format);
  const std::vector<ParticipantInfo> everybody = list_participants(domain());
  ASSERT_EQ(everybody.size(), 1U);
  EXPECT_FALSE(everybody[0].intact);
  EXPECT_TRUE(everybody[0].alive()) << "the lock tells, not the bytes";
  EXPECT_EQ(everybody[0].id, member.name());
  EXPECT_EQ(everybody[0].uid, geteuid());
}

TEST_F(Damage, AnotherVersionIsRefused) {
  const auto participant = enter();
  const std::string path = file_of(participant->name());
  const std::vector<char> right = contents(path);
  for (const std::size_t offset :
       {offsetof(layout::SegmentHeader, magic), offsetof(layout::SegmentHeader, format_major),
        offsetof(layout::SegmentHeader, endianness), offsetof(layout::SegmentHeader, fingerprint),
        offsetof(layout::SegmentHeader, kind), offsetof(layout::SegmentHeader, features_read)}) {
    std::vector<char> bytes = right;
    bytes[offset] = static_cast<char>(bytes[offset] + 1);
    write(path, bytes);
    const auto refused = describe(domain(), participant->name());
    ASSERT_FALSE(refused) << "offset " << offset;
    EXPECT_EQ(refused.error().code(), Errc::format);
  }
  write(path, right);
  EXPECT_TRUE(describe(domain(), participant->name()));
}

TEST_F(Damage, AnObserverSeesADomainWhoseProcessesAreAllStopped) {
  const testing_support::Member first(domain());
  const testing_support::Member second(domain());
  first.stop();
  second.stop();
  const std::vector<ParticipantInfo> everybody = list_participants(domain());
  ASSERT_EQ(everybody.size(), 2U);
  for (const ParticipantInfo& info : everybody) {
    EXPECT_TRUE(info.alive() && info.intact);
    EXPECT_EQ(info.name, "member");
    EXPECT_EQ(holders(domain(), info.id).size(), 1U);
  }
  EXPECT_EQ(everybody[0].pid, static_cast<std::uint32_t>(first.pid()));
}

}  // namespace
}  // namespace millrace
