// `millrace journal`: what it shows is so, damage is found where it was planted, and nothing but
// `repair --accept-loss` gets past it.
#include "journal_fixture.hpp"
#include "support/child_process.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace millrace::testing_support {
namespace {

using ::testing::HasSubstr;

class Journal : public JournalCommandTest {
 protected:
  void fill(int count = 300) const {
    const auto recording = recorder();
    ASSERT_EQ(publish(lines(0, count)).exit_code, 0);
    ASSERT_EQ(end(*recording).exit_code, 0);
  }

  // Where this text first lies in a segment; the name of the file goes to `name`.
  std::streamoff find(const std::string& text, std::string& name) const {
    for (const auto& entry : std::filesystem::directory_iterator(journal())) {
      name = entry.path().filename();
      if (!name.starts_with("seg-")) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      const std::size_t found = bytes.find(text);
      if (found != std::string::npos) return static_cast<std::streamoff>(found);
    }
    ADD_FAILURE() << text << " lies nowhere";
    return 0;
  }

  // Messages 0 to 99, 100 to 199 and 200 to 299 in batches of their own; the middle one damaged.
  void fill_and_damage() const {
    const auto recording = recorder();
    for (int from = 0; from < 300; from += 100)
      ASSERT_EQ(publish(lines(from, from + 100)).exit_code, 0);
    ASSERT_EQ(end(*recording).exit_code, 0);
    std::string name;
    const std::streamoff at = find("line 150", name);
    flip(name, at, 4);
  }
};

TEST_F(Journal, LsShowsWhatWasRecorded) {
  fill();
  const auto list = json_of(run({"journal", "ls", journal(), "--bytes", "--json"}).out);
  ASSERT_EQ(list["lanes"].size(), 1U) << list;
  EXPECT_EQ(list["lanes"][0]["channel"], "c");
  EXPECT_EQ(list["lanes"][0]["producer"], "gate");
  EXPECT_EQ(list["lanes"][0]["first"], 0);
  EXPECT_EQ(list["lanes"][0]["end"], 300);
  EXPECT_EQ(list["lanes"][0]["life"], 1);
  EXPECT_EQ(list["lanes"][0]["bytes"], lines(0, 300).size() - 300);
  EXPECT_GT(list["lanes"][0]["oldest_ns"], 0);
  EXPECT_GE(list["lanes"][0]["newest_ns"], list["lanes"][0]["oldest_ns"]);
  EXPECT_THAT(run({"journal", "ls", journal()}).out, HasSubstr("gate"));
}

TEST_F(Journal, LsShowsWhoIsRemembered) {
  const auto recording = recorder();
  ASSERT_EQ(publish(lines(0, 100)).exit_code, 0);
  const Outcome read = run({"sub", "c", "--from", "oldest", "--name", "audit", "--remember",
                            "--count", "40", "--timeout", "60"});
  EXPECT_EQ(read.exit_code, 0) << read.err;
  EXPECT_EQ(read.out, lines(0, 40));
  const bool known = eventually([this] {
    const auto list = json_of(run({"journal", "ls", journal(), "--json"}).out);
    return list["remembered"].size() == 1 && list["remembered"][0]["subscriber"] == "audit" &&
           list["remembered"][0]["lag_messages"] == 60;
  });
  EXPECT_TRUE(known);
  // The next of that name goes on.
  const Outcome next =
      run({"sub", "c", "--name", "audit", "--remember", "--count", "60", "--timeout", "60"});
  EXPECT_EQ(next.out, lines(40, 100));
  EXPECT_EQ(end(*recording).exit_code, 0);
}

TEST_F(Journal, StatShowsTheDiskAndTheHolder) {
  const auto recording = recorder();
  const auto held = json_of(run({"journal", "stat", journal(), "--json"}).out);
  ASSERT_TRUE(held["ok"].is_boolean()) << held;
  EXPECT_EQ(held["holder"]["pid"], recording->pid());
  EXPECT_TRUE(held["holder"]["alive"]);
  EXPECT_FALSE(held["clean"]);
  EXPECT_EQ(end(*recording).exit_code, 0);
  const auto free = json_of(run({"journal", "stat", journal(), "--json"}).out);
  EXPECT_TRUE(free["holder"].is_null());
  EXPECT_TRUE(free["clean"]);
  EXPECT_EQ(free["segment_bytes"], 1 << 20);
  EXPECT_GT(free["segments"].size(), 0U);
  EXPECT_FALSE(free["disk"]["file_system"].get<std::string>().empty());
  EXPECT_THAT(run({"journal", "stat", journal(), "--segments"}).out, HasSubstr("FIRST ITEM"));
}

TEST_F(Journal, TailShowsTheLastOnes) {
  fill();
  EXPECT_EQ(run({"journal", "tail", journal(), "-n", "5"}).out, lines(295, 300));
  EXPECT_EQ(run({"journal", "tail", journal(), "-n", "1000"}).out, lines(0, 300));
  EXPECT_EQ(run({"journal", "tail", journal(), "-n", "0"}).out, "");
}

TEST_F(Journal, TailFollows) {
  const auto recording = recorder();
  ASSERT_EQ(publish(lines(0, 10)).exit_code, 0);
  Command tail(domain(), {"journal", "tail", journal(), "-n", "2", "--follow"});
  ASSERT_TRUE(tail.hear(lines(8, 10).size()));
  ASSERT_EQ(publish(lines(10, 12)).exit_code, 0);
  ASSERT_TRUE(tail.hear(lines(8, 12).size()));
  tail.send(SIGINT);
  const Outcome said = tail.finish();
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_EQ(said.out, lines(8, 12));
  EXPECT_EQ(end(*recording).exit_code, 0);
}

TEST_F(Journal, VerifyReadsEveryByteAndChangesNone) {
  fill();
  const std::string before = fingerprint();
  const Outcome said = run({"journal", "verify", journal(), "--json"});
  EXPECT_EQ(said.exit_code, 0) << said.out;
  EXPECT_EQ(json_of(said.out)["messages"], 300);
  EXPECT_TRUE(run({"journal", "verify", journal()}).out.ends_with("OK\n"));
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(Journal, VerifyNamesThePlaceAndTheSequencesOfDamage) {
  fill_and_damage();
  const Outcome said = run({"journal", "verify", journal(), "--json"});
  EXPECT_EQ(said.exit_code, 1) << said.out;
  const auto report = json_of(said.out);
  ASSERT_EQ(report["damages"].size(), 1U) << report;
  const auto& damage = report["damages"][0];
  EXPECT_GT(damage["segment"], 0);
  EXPECT_GT(damage["offset"], 0);
  ASSERT_EQ(damage["sequences"].size(), 1U) << report;
  EXPECT_EQ(damage["sequences"][0]["producer"], "gate");
  EXPECT_LE(damage["sequences"][0]["from"], 150);
  EXPECT_GT(damage["sequences"][0]["to"], 150);
  EXPECT_THAT(run({"journal", "verify", journal()}).out, HasSubstr("DAMAGED  segment"));
}

TEST_F(Journal, NothingButAcceptedLossGetsPastDamage) {
  fill_and_damage();
  const std::string before = fingerprint();
  const Outcome refused = run(record_words());
  EXPECT_EQ(refused.exit_code, 2) << refused.out;
  EXPECT_EQ(json_of(refused.out)["error"]["code"], "damaged");
  const Outcome unasked = run({"journal", "repair", journal()});
  EXPECT_EQ(unasked.exit_code, 2);
  EXPECT_THAT(unasked.err, HasSubstr("--accept-loss"));
  EXPECT_THAT(unasked.out, HasSubstr("producer gate"));
  EXPECT_EQ(fingerprint(), before);
  const Outcome accepted = run({"journal", "repair", journal(), "--accept-loss", "--json"});
  EXPECT_EQ(accepted.exit_code, 0) << accepted.out << accepted.err;
  EXPECT_GT(json_of(accepted.out)["messages_lost"], 0);
  const auto recording = recorder({});
  EXPECT_EQ(publish(lines(300, 310)).exit_code, 0);
  EXPECT_EQ(end(*recording).exit_code, 0);
  EXPECT_THAT(run({"journal", "tail", journal(), "-n", "10"}).out, HasSubstr("line 309\n"));
}

TEST_F(Journal, ThereIsNothingToRepairInASoundOne) {
  fill(10);
  expect_refused(run({"journal", "repair", journal()}), "nothing to repair");
  EXPECT_EQ(run({"journal", "repair", journal(), "--accept-loss"}).exit_code, 2);
}

TEST_F(Journal, RepairLeavesAJournalInUseAlone) {
  const auto recording = recorder();
  const Outcome said = run({"journal", "repair", journal(), "--accept-loss"});
  expect_refused(said, std::to_string(recording->pid()));
  EXPECT_EQ(end(*recording).exit_code, 0);
}

TEST_F(Journal, WhatIsNoJournalIsRefusedByEveryVerb) {
  std::filesystem::create_directory(disk_ / "empty");
  std::ofstream(disk_ / "file") << "text\n";
  for (const char* verb : {"ls", "stat", "verify", "tail", "repair"}) {
    for (const char* name : {"missing", "empty", "file"})
      expect_refused(run({"journal", verb, disk_ / name}), name);
  }
  EXPECT_TRUE(std::filesystem::is_empty(disk_ / "empty"));
  expect_refused(run({"journal", "mend", journal()}), "the verbs of journal are");
  expect_refused(run({"journal", "ls"}), "DIR");
}

// CRC32C, bit by bit: the checksum of a manifest, with its own field zero.
std::uint32_t checksum_of(const std::string& bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f6'3b78 : 0);
  }
  return ~crc;
}

TEST_F(Journal, ALaterVersionIsRefusedAndNotTouched) {
  fill(10);
  for (const char* name : {"manifest.a", "manifest.b"}) {
    std::fstream file(journal() + "/" + name, std::ios::binary | std::ios::in | std::ios::out);
    std::string bytes(4096, '\0');
    if (!file.read(bytes.data(), 4096)) continue;
    constexpr std::size_t kVersionAt = 8;
    constexpr std::size_t kChecksumAt = 12;
    const std::uint32_t version = 99;
    std::memcpy(bytes.data() + kVersionAt, &version, sizeof version);
    std::memset(bytes.data() + kChecksumAt, 0, 4);
    const std::uint32_t checksum = checksum_of(bytes);
    std::memcpy(bytes.data() + kChecksumAt, &checksum, sizeof checksum);
    file.seekp(0);
    file.write(bytes.data(), 4096);
  }
  const std::string before = fingerprint();
  expect_refused(run({"record", "c", "--journal", journal()}), "later version");
  for (const char* verb : {"ls", "stat", "verify", "tail"})
    expect_refused(run({"journal", verb, journal()}), "later version");
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(Journal, ADirectoryWithoutItsManifestsSaysWhatHelps) {
  fill(10);
  for (const char* name : {"manifest.a", "manifest.b"})
    std::filesystem::remove(journal() + "/" + name);
  const std::string before = fingerprint();
  expect_refused(run({"record", "c", "--journal", journal()}), "repair");
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(Journal, ASegmentOfAnotherLogIsNotTaken) {
  fill(10);
  const std::string other = disk_ / "other";
  const Outcome made =
      run({"record", "d", "--durable", "--journal", other, "--segment", "1M", "--seconds", "0.1"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  std::string name;
  const std::streamoff at = find("line 5", name);
  ASSERT_GT(at, 0);
  std::filesystem::copy_file(other + "/" + name, journal() + "/" + name,
                             std::filesystem::copy_options::overwrite_existing);
  const std::string before = fingerprint();
  const Outcome said = run(record_words());
  EXPECT_EQ(said.exit_code, 2) << said.out;
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(Journal, ATruncatedSegmentIsDamage) {
  fill(3000);
  std::string name;
  const std::streamoff at = find("line 1500", name);
  std::filesystem::resize_file(journal() + "/" + name,
                               static_cast<std::uintmax_t>(at / 4096 * 4096));
  const std::string before = fingerprint();
  const Outcome said = run(record_words());
  EXPECT_EQ(said.exit_code, 2) << said.out;
  EXPECT_FALSE(json_of(said.out)["error"]["sentence"].get<std::string>().empty());
  EXPECT_EQ(fingerprint(), before);
  EXPECT_NE(run({"journal", "verify", journal()}).exit_code, 0);
}

TEST_F(Journal, DetachLetsPublishersGoOnInMemory) {
  const auto recording = recorder();
  ASSERT_EQ(publish(lines(0, 10)).exit_code, 0);
  expect_refused(run({"journal", "detach", "c"}), "--yes");
  expect_refused(run({"journal", "detach", "c", "--yes"}), std::to_string(recording->pid()));
  recording->send(SIGKILL);
  recording->finish();
  EXPECT_EQ(run({"journal", "detach", "c", "--yes"}).exit_code, 0);
  // More than the ring holds: nobody waits for the disk any more.
  const Outcome more = run({"pub", "c", "--name", "gate", "--repeat", "20"}, lines(0, 10000));
  EXPECT_EQ(more.exit_code, 0) << more.err;
  const Outcome durable = publish("x\n");
  EXPECT_EQ(durable.exit_code, 2) << durable.out;
}

TEST_F(Journal, StatOfTheChannelShowsItsJournal) {
  const auto recording = recorder();
  ASSERT_EQ(publish(lines(0, 100)).exit_code, 0);
  const auto stats = json_of(run({"stat", "c", "--json", "--interval", "0"}).out);
  EXPECT_EQ(stats["journal"]["state"], "ok") << stats;
  EXPECT_EQ(stats["journal"]["persister"]["pid"], recording->pid());
  EXPECT_EQ(stats["lanes"][0]["durable"]["sequence"], 100);
  EXPECT_EQ(stats["lanes"][0]["durable"]["lag_messages"], 0);
  const std::string text = run({"stat", "c", "--interval", "0"}).out;
  EXPECT_THAT(text, HasSubstr("journal"));
  EXPECT_THAT(text, HasSubstr("durable"));
  recording->send(SIGKILL);
  recording->finish();
  EXPECT_FALSE(json_of(
      run({"stat", "c", "--json", "--interval", "0"}).out)["journal"]["persister"]["alive"]);
}

TEST_F(Journal, DoctorLooksAtItsDisk) {
  const auto findings = json_of(run({"doctor", "--journal", journal(), "--json"}).out)["findings"];
  std::string subjects;
  for (const auto& found : findings)
    subjects += found["subject"].get<std::string>() + "\n";
  for (const char* subject : {"journal\n", "journal space\n", "durable writes\n", "log\n"})
    EXPECT_THAT(subjects, HasSubstr(subject));
  const auto memory =
      json_of(run({"doctor", "--journal", scratch_ / "journal", "--json"}).out)["findings"];
  EXPECT_THAT(memory.dump(), HasSubstr("tmpfs"));
  EXPECT_FALSE(std::filesystem::exists(journal()));
}

}  // namespace
}  // namespace millrace::testing_support
