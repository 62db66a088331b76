// What goes into the log comes out of it, byte for byte, in every size and shape.
#include "journal_fixture.hpp"

#include <millrace/persist/journal_layout.hpp>

#include <sys/wait.h>
#include <unistd.h>

namespace millrace::sim {
namespace {

using Texts = std::vector<std::string>;

class JournalAppend : public JournalOnDisk {
 protected:
  // Says all of them by one producer, closes, and expects a reader and a second life to agree.
  void expect_round_trip(const Texts& texts) {
    open();
    const JournalLaneId id = lane("alice");
    for (const std::string& text : texts)
      say(id, text);
    drain();
    close();
    EXPECT_EQ(read()["alice"], texts);
    open();
    EXPECT_TRUE(journal->recovery().clean);
    ASSERT_EQ(journal->lanes().size(), 1U);
    EXPECT_EQ(journal->lanes()[0].end, texts.size());
    EXPECT_EQ(journal->lanes()[0].first, 0U);
    EXPECT_EQ(medium->objection, "");
  }
};

std::string numbered(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t at = 0; at < bytes; ++at)
    text[at] = static_cast<char>(at * 31 + bytes);
  return text;
}

TEST_F(JournalAppend, keeps_every_size_from_nothing_to_several_items) {
  Texts texts;
  for (std::size_t bytes = 0; bytes < 64; ++bytes)
    texts.push_back(numbered(bytes));
  for (const std::uint64_t edge : {4 * kKiB, 8 * kKiB, 16 * kKiB, 32 * kKiB, 50 * kKiB}) {
    for (std::uint64_t off = 0; off <= 600; off += 24)
      texts.push_back(numbered(edge - 300 + off));
  }
  options.retain.bytes = 60 * options.segment_bytes;
  expect_round_trip(texts);
}

TEST_F(JournalAppend, keeps_a_message_longer_than_a_segment) {
  expect_round_trip({"before", numbered(700 * kKiB), "after"});
}

// Every possible place of the magic in a block, so also where blocks begin.
TEST_F(JournalAppend, hides_copies_of_its_own_magic) {
  const std::string magic(reinterpret_cast<const char*>(&layout::kItemMagic), 4);
  Texts texts;
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    while (text.size() < 40 * kKiB)
      text += magic;
    texts.push_back(text);
  }
  expect_round_trip(texts);
}

TEST_F(JournalAppend, no_block_inside_an_item_begins_with_the_magic) {
  const std::string magic(reinterpret_cast<const char*>(&layout::kItemMagic), 4);
  open();
  const JournalLaneId id = lane("alice");
  std::string text;
  while (text.size() < 15 * kKiB)
    text += magic;
  say(id, text);
  drain();
  const ItemNumber items = journal->stats().items;
  ItemNumber found = 0;
  for (const Disk::Slot& slot : medium->slots()) {
    for (std::uint64_t at = 0; at < slot.bytes; at += 4096) {
      const auto block = medium->read(slot.file, at, 4096);
      ASSERT_TRUE(block);
      layout::ItemHeader header;
      std::memcpy(&header, block->data(), sizeof header);
      if (header.magic == layout::kItemMagic && header.item != 0) ++found;
    }
  }
  EXPECT_EQ(found, items);
}

TEST_F(JournalAppend, packs_what_can_be_packed_and_leaves_the_rest) {
  options.compress = true;
  Random random(7);
  Texts texts;
  for (std::size_t number = 0; number < 40; ++number) {
    std::string text(3000, static_cast<char>('a' + number % 26));
    if (number % 2 == 0) {
      for (char& letter : text)
        letter = static_cast<char>(random.next());
    }
    texts.push_back(text);
  }
  expect_round_trip(texts);
}

TEST_F(JournalAppend, packing_saves_blocks) {
  const auto written = [this](bool compress) {
    options.compress = compress;
    make_disk({});
    ends.clear();
    open();
    const JournalLaneId id = lane("alice");
    for (int number = 0; number < 20; ++number)
      say(id, std::string(5000, 'z'));
    drain();
    const JournalStats stats = journal->stats();
    close();
    EXPECT_EQ(read()["alice"].size(), 20U);
    return stats.written_bytes;
  };
  const std::uint64_t plain = written(false);
  EXPECT_LT(written(true), plain / 2);
}

TEST_F(JournalAppend, keeps_many_lanes_in_one_item) {
  open();
  std::map<std::string, Texts> said_by;
  for (int round = 0; round < 5; ++round) {
    for (int number = 0; number < 40; ++number) {
      const std::string producer = "producer " + std::to_string(number);
      const std::string text = producer + " says " + std::to_string(round);
      say(lane(producer), text);
      said_by[producer].push_back(text);
    }
  }
  drain();
  close();
  EXPECT_EQ(read(), said_by);
}

TEST_F(JournalAppend, goes_on_where_the_log_ends_in_a_new_life) {
  open();
  say(lane("alice", 1), "one");
  drain();
  close();
  open();
  const JournalLaneId id = lane("alice", 2);
  say(id, "two");
  drain();
  EXPECT_EQ(journal->lanes()[0].life, 2U);
  EXPECT_EQ(journal->lanes()[0].epoch, 2U);
  close();
  open();
  EXPECT_EQ(journal->lanes()[0].life, 2U);
  EXPECT_EQ(read()["alice"], (Texts{"one", "two"}));
}

TEST_F(JournalAppend, refuses_a_lane_that_does_not_go_on_where_the_log_ends) {
  open();
  const JournalLaneId id = lane("alice");
  say(id, "zero");
  const auto other = journal->lane(kChannel, "orders", "alice", 2, 5);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), Errc::damaged);
  // The same with a gap that was said.
  EXPECT_FALSE(journal->add_gap(id, 3, 5, 2)) << "it begins behind the end";
  EXPECT_TRUE(journal->add_gap(id, 1, 5, 2));
  EXPECT_TRUE(journal->lane(kChannel, "orders", "alice", 2, 5));
  drain();
  EXPECT_EQ(journal->lanes()[0].end, 5U);
}

TEST_F(JournalAppend, a_run_that_does_not_continue_its_lane_is_never_written) {
  open();
  const JournalLaneId id = lane("alice");
  const auto record = record_of("nine", 9);
  std::ranges::copy(record, journal->room(record.size()).begin());
  journal->add_run(id, 9, 1, record.size());
  const auto submitted = journal->submit();
  ASSERT_FALSE(submitted);
  EXPECT_EQ(submitted.error().code(), Errc::bad_argument);
}

TEST_F(JournalAppend, remembers_what_was_acknowledged) {
  open();
  const JournalLaneId id = lane("alice");
  for (int number = 0; number < 10; ++number)
    say(id, "message");
  EXPECT_TRUE(journal->add_acknowledgement("clerk", id, 4));
  drain();
  EXPECT_TRUE(journal->add_acknowledgement("clerk", id, 6));
  EXPECT_TRUE(journal->add_acknowledgement("auditor", id, 1));
  drain();
  EXPECT_EQ(journal->acknowledged("clerk", id), 6U);
  kill();
  open();
  EXPECT_EQ(journal->acknowledged("clerk", id), 6U);
  EXPECT_EQ(journal->acknowledged("auditor", id), 1U);
  EXPECT_EQ(journal->acknowledged("nobody", id), std::nullopt);
}

TEST_F(JournalAppend, more_acknowledgements_than_fit_a_head_come_behind_it) {
  open();
  const JournalLaneId id = lane("alice");
  for (int number = 0; number < 300; ++number) {
    const std::string name = "subscriber " + std::to_string(number);
    if (!journal->add_acknowledgement(name, id, 0)) {
      submit();
      ASSERT_TRUE(journal->add_acknowledgement(name, id, 0));
    }
  }
  drain();
  kill();
  open();
  for (int number = 0; number < 300; ++number) {
    EXPECT_EQ(journal->acknowledged("subscriber " + std::to_string(number), id), 0U);
  }
}

TEST_F(JournalAppend, never_more_in_flight_than_its_depth) {
  for (std::uint32_t depth = 1; depth <= 4; ++depth) {
    options.depth = depth;
    make_disk({});
    ends.clear();
    open();
    const JournalLaneId id = lane("alice");
    for (std::uint32_t number = 0; number < depth; ++number) {
      ASSERT_TRUE(journal->may_submit());
      say(id, "message");
      ASSERT_TRUE(journal->submit());
      EXPECT_EQ(journal->in_flight(), number + 1);
    }
    EXPECT_FALSE(journal->may_submit());
    say(id, "one too many");
    const auto refused = journal->submit();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::busy);
    drain();
    EXPECT_EQ(journal->durable(), journal->stats().submitted);
    journal.reset();
  }
}

class JournalModes : public JournalAppend, public testing::WithParamInterface<Durability> {};

TEST_P(JournalModes, what_is_durable_survives_a_power_cut) {
  make_disk({.durability = GetParam(), .file_system = {}, .engine = {}, .note = {}});
  open();
  const JournalLaneId id = lane("alice");
  Texts texts;
  for (int number = 0; number < 200; ++number) {
    texts.push_back(numbered(static_cast<std::size_t>(number) * 37 % 5000));
    say(id, texts.back());
  }
  drain();
  medium->crash(Crash::power);
  journal.reset();
  open();
  EXPECT_FALSE(journal->recovery().clean);
  EXPECT_EQ(journal->lanes()[0].end, texts.size());
  close();
  EXPECT_EQ(read()["alice"], texts);
  EXPECT_EQ(medium->objection, "");
}

INSTANTIATE_TEST_SUITE_P(All, JournalModes,
                         testing::Values(Durability::dsync, Durability::flush,
                                         Durability::buffered));

TEST_F(JournalAppend, a_forked_child_is_foreign) {
  open();
  const JournalLaneId id = lane("alice");
  say(id, "mine");
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = !journal->submit() && !journal->poll(std::chrono::nanoseconds(0)) &&
                         !journal->close() && journal->room(8).empty() &&
                         !journal->lane(kChannel, "orders", "bob", 1, 0) &&
                         journal->poll(std::chrono::nanoseconds(0)).error().code() == Errc::foreign;
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  drain();
}

TEST_F(JournalAppend, refuses_options_that_cannot_be) {
  const auto refused = [this](auto change) {
    const JournalOptions before = options;
    change(options);
    const auto opened = try_open();
    options = before;
    return !opened && opened.error().code() == Errc::bad_argument;
  };
  EXPECT_TRUE(refused([](JournalOptions& bad) { bad.segment_bytes = 4096; }));
  EXPECT_TRUE(refused([](JournalOptions& bad) { bad.item_bytes = 2 * 1024 * kKiB; }));
  EXPECT_TRUE(refused([](JournalOptions& bad) { bad.depth = 5; }));
  EXPECT_TRUE(refused([](JournalOptions& bad) { bad.depth = 0; }));
  EXPECT_TRUE(refused([](JournalOptions& bad) { bad.spares = 0; }));
  EXPECT_TRUE(refused([](JournalOptions& bad) { bad.retain.bytes = bad.segment_bytes; }));
  options.create = false;
  make_disk({});
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::not_found);
}

}  // namespace
}  // namespace millrace::sim
