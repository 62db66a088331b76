// Segments come and go: switching, recycling, retention, a full disk, an idle log, crash loops.
#include "journal_fixture.hpp"

#include <millrace/persist/journal_records.hpp>

#include <cerrno>
#include <numeric>

namespace millrace::sim {
namespace {

using std::chrono::milliseconds;

class JournalSegments : public JournalOnDisk {
 protected:
  JournalSegments() {
    options.segment_bytes = 64 * kKiB;
    options.item_bytes = 8 * kKiB;
    options.retain.bytes = 4 * options.segment_bytes;
    make_disk({});
  }

  // So many items of about one block, one by one.
  void items(JournalLaneId id, int count) {
    for (int number = 0; number < count; ++number) {
      say(id, std::string(2000, 'x'));
      drain();
    }
  }

  void idle(int count) {
    for (int waits = 0; waits < count; ++waits)
      ASSERT_TRUE(journal->poll(milliseconds(20)));
  }

  void wait_for_room() {
    for (int waits = 0; waits < 200 && !journal->may_submit(); ++waits) {
      ASSERT_TRUE(journal->poll(milliseconds(50)));
    }
  }

  // Until the log is full, with one more message in the item that is being built.
  void fill_disk(JournalLaneId id, std::size_t bytes = 2000) {
    for (int number = 0; number < 1000; ++number) {
      say(id, std::string(bytes, 'x'));
      wait_for_room();
      if (!journal->may_submit()) break;
      drain();
    }
    ASSERT_EQ(journal->stats().state, LogState::full);
    ASSERT_GT(journal->building(), 0U);
  }

  // Subscribers hold up to twice of what is kept otherwise.
  void wait_for_little() {
    options.retain.bytes = 4 * options.segment_bytes;
    options.retain.acknowledged = true;
    options.retain.acknowledged_lag_bytes = 8 * options.segment_bytes;
  }

  Sequence first_of(JournalLaneId id) const { return journal->lanes()[id - 1].first; }
};

TEST_F(JournalSegments, keeps_as_much_as_it_is_told_to_and_reuses_the_rest) {
  open();
  const JournalLaneId id = lane("alice");
  items(id, 400);
  idle(5);
  const JournalStats stats = journal->stats();
  EXPECT_LE(stats.segments_live, 4U);
  EXPECT_GE(stats.segments_live, 3U);
  EXPECT_LE(medium->slots().size(), 4U + options.spares + 1);
  EXPECT_GT(first_of(id), 300U);
  const Sequence first = first_of(id);
  close();
  EXPECT_EQ(read()["alice"].size(), 400 - first);
  open();
  EXPECT_GE(first_of(id), first);
  EXPECT_EQ(journal->lanes()[0].end, 400U);
  EXPECT_EQ(medium->objection, "");
}

TEST_F(JournalSegments, a_log_that_is_full_of_data_writes_no_slot_anew_and_deletes_none) {
  open();
  const JournalLaneId id = lane("alice");
  items(id, 200);
  idle(3);
  const std::uint64_t before = medium->slots_written;
  const std::size_t slots = medium->slots().size();
  items(id, 300);
  EXPECT_EQ(medium->slots_written, before);
  EXPECT_EQ(medium->slots().size(), slots);
}

TEST_F(JournalSegments, a_lane_whose_messages_are_all_gone_still_goes_on) {
  open();
  const JournalLaneId idle_lane = lane("idle");
  const JournalLaneId busy = lane("busy");
  say(idle_lane, "once");
  items(busy, 300);
  ASSERT_GT(first_of(idle_lane), 0U);
  kill();
  open();
  EXPECT_EQ(journal->lanes()[idle_lane - 1].end, 1U);
  EXPECT_EQ(lane("idle"), idle_lane);
  say(idle_lane, "again");
  drain();
  EXPECT_EQ(journal->lanes()[idle_lane - 1].end, 2U);
}

TEST_F(JournalSegments, old_segments_go_by_age_whatever_the_wall_clock_does) {
  options.retain.bytes = 40 * options.segment_bytes;
  options.retain.age = std::chrono::hours(1);
  open();
  const JournalLaneId id = lane("alice");
  items(id, 60);
  medium->step_wall(std::chrono::nanoseconds(std::chrono::hours(10)).count());
  idle(60);
  EXPECT_EQ(first_of(id), 0U) << "the wall clock was set, nothing is older";
  medium->pass(std::chrono::nanoseconds(std::chrono::hours(2)).count());
  idle(60);
  EXPECT_GT(first_of(id), 30U);
}

TEST_F(JournalSegments, what_everybody_acknowledged_goes) {
  options.retain.bytes = 20 * options.segment_bytes;
  options.retain.acknowledged = true;
  open();
  const JournalLaneId id = lane("alice");
  items(id, 50);
  idle(5);
  EXPECT_EQ(first_of(id), 0U) << "nobody is known to have read anything";
  ASSERT_TRUE(journal->add_acknowledgement("slow", id, 0));
  ASSERT_TRUE(journal->add_acknowledgement("fast", id, 50));
  drain();
  idle(5);
  EXPECT_EQ(first_of(id), 0U);
  ASSERT_TRUE(journal->add_acknowledgement("slow", id, 45));
  drain();
  idle(5);
  EXPECT_GT(first_of(id), 20U);
  EXPECT_LE(first_of(id), 45U);
  EXPECT_TRUE(journal->stats().let_go.empty());
}

TEST_F(JournalSegments, who_holds_too_much_is_let_go_and_named) {
  wait_for_little();
  open();
  const JournalLaneId id = lane("alice");
  ASSERT_TRUE(journal->add_acknowledgement("sleeper", id, 0));
  items(id, 70);
  idle(3);
  EXPECT_EQ(first_of(id), 0U) << "held beyond what is kept otherwise";
  EXPECT_GT(journal->stats().segments_live, 4U);
  items(id, 100);
  idle(3);
  EXPECT_GT(first_of(id), 0U);
  EXPECT_EQ(journal->stats().let_go, std::vector<std::string>{"sleeper"});
  items(id, 100);
  idle(3);
  EXPECT_LE(journal->stats().segments_live, 5U) << "nobody is waited for";
  EXPECT_EQ(journal->stats().let_go.size(), 1U);
}

// Its place is what tells it, whenever it comes back, how much it missed.
TEST_F(JournalSegments, who_was_let_go_keeps_its_place_and_is_waited_for_again_when_it_is_back) {
  wait_for_little();
  open();
  const JournalLaneId id = lane("alice");
  ASSERT_TRUE(journal->add_acknowledgement("sleeper", id, 0));
  items(id, 10);
  const JournalLaneId later = lane("bob");
  items(later, 160);
  items(id, 10);
  idle(3);
  ASSERT_EQ(journal->stats().let_go, std::vector<std::string>{"sleeper"});
  kill();
  open();
  EXPECT_EQ(journal->acknowledged("sleeper", id), 0U);
  EXPECT_EQ(journal->acknowledged("sleeper", later), 0U) << "a lane that it never saw";
  EXPECT_GT(first_of(id), 0U);
  EXPECT_GT(first_of(later), 0U);

  ASSERT_TRUE(journal->add_acknowledgement("sleeper", id, journal->lanes()[id - 1].end));
  ASSERT_TRUE(journal->add_acknowledgement("sleeper", later, journal->lanes()[later - 1].end));
  drain();
  const Sequence reached = journal->lanes()[later - 1].end;
  items(later, 70);
  idle(3);
  EXPECT_LE(first_of(later), reached) << "it holds again what it has not acknowledged";
  EXPECT_GT(journal->stats().segments_live, 4U);
}

TEST_F(JournalSegments, a_full_disk_stops_the_log_until_there_is_room) {
  medium->capacity = 4 * options.segment_bytes;
  options.retain.bytes = 40 * options.segment_bytes;
  open();
  const JournalLaneId id = lane("alice");
  fill_disk(id);
  EXPECT_EQ(journal->stats().error, ENOSPC);
  EXPECT_GE(journal->stats().spares, 1U) << "data must not take the last one";
  const auto refused = journal->submit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::no_space);
  EXPECT_EQ(journal->durable(), journal->stats().submitted);

  medium->capacity = 40 * options.segment_bytes;
  wait_for_room();
  EXPECT_EQ(journal->stats().state, LogState::ok);
  items(id, 50);
  close();
  EXPECT_EQ(read()["alice"].size(), ends[id]);
}

TEST_F(JournalSegments, acknowledgements_free_a_full_disk) {
  medium->capacity = 5 * options.segment_bytes;
  options.retain.bytes = 40 * options.segment_bytes;
  options.retain.acknowledged = true;
  open();
  const JournalLaneId id = lane("alice");
  for (int times = 0; times < 10; ++times) {
    fill_disk(id);
    const Sequence end = journal->lanes()[0].end;
    ASSERT_TRUE(journal->add_acknowledgement("clerk", id, end));
    wait_for_room();
    EXPECT_EQ(journal->stats().state, LogState::ok);
    drain();
    idle(3);
    EXPECT_EQ(first_of(id), end);
    EXPECT_EQ(journal->stats().segments_live, 1U);
  }
}

// Messages so small that nothing has room behind them, and an older place in the item itself.
TEST_F(JournalSegments, acknowledgements_free_a_full_disk_from_behind_a_full_item) {
  medium->capacity = 5 * options.segment_bytes;
  options.retain.bytes = 40 * options.segment_bytes;
  options.retain.acknowledged = true;
  open();
  const JournalLaneId id = lane("alice");
  for (int times = 0; times < 5; ++times) {
    fill_disk(id);
    const Sequence end = journal->lanes()[0].end;
    ASSERT_TRUE(journal->add_acknowledgement("clerk", id, end - 1));
    while (true) {
      const std::vector<std::byte> record = record_of("x", ends[id]);
      const auto room = journal->room(record.size());
      if (room.size() < record.size()) break;
      std::ranges::copy(record, room.begin());
      journal->add_run(id, ends[id]++, 1, record.size());
    }
    EXPECT_FALSE(journal->add_acknowledgement("clerk", id, end + 1)) << "not yet in the log";
    ASSERT_TRUE(journal->add_acknowledgement("clerk", id, end));
    wait_for_room();
    EXPECT_EQ(journal->stats().state, LogState::ok);
    drain();
    idle(3);
    EXPECT_EQ(first_of(id), end);
    kill();
    open();
    EXPECT_EQ(journal->acknowledged("clerk", id), end) << "an older word came behind it";
  }
}

TEST_F(JournalSegments, a_full_disk_does_not_keep_the_last_reports_unproven) {
  options.retain.bytes = 40 * options.segment_bytes;
  // Whatever the items leave behind them in the segment.
  for (std::size_t bytes = 1000; bytes < 8000; bytes += 1000) {
    make_disk({});
    medium->capacity = 4 * options.segment_bytes;
    ends.clear();
    open();
    const JournalLaneId id = lane("alice");
    fill_disk(id, bytes);
    idle(5);
    EXPECT_EQ(journal->stats().state, LogState::full);
    // A reader of an open log takes only what a later item vouches for.
    EXPECT_EQ(read()["alice"].size(), journal->lanes()[0].end) << "messages of " << bytes;
  }
}

TEST_F(JournalSegments, closing_begins_no_slots) {
  options.spares = 8;
  open();
  items(lane("alice"), 1);
  close();
  EXPECT_LE(medium->slots().size(), 3U);
  open();
  idle(20);
  EXPECT_EQ(journal->stats().spares, options.spares + 1U);
}

TEST_F(JournalSegments, a_failed_write_poisons_for_ever) {
  open();
  const JournalLaneId id = lane("alice");
  items(id, 3);
  const ItemNumber durable = journal->durable();
  medium->faults.write_error = 1000;
  say(id, "lost");
  ASSERT_TRUE(journal->submit());
  Result<void> polled{};
  for (int waits = 0; waits < 100 && polled; ++waits)
    polled = journal->poll(milliseconds(1));
  ASSERT_FALSE(polled);
  EXPECT_EQ(polled.error().code(), Errc::journal_poisoned);
  EXPECT_EQ(polled.error().os_error(), EIO);
  medium->faults.write_error = 0;
  EXPECT_FALSE(journal->poll(milliseconds(1)));
  EXPECT_EQ(journal->submit().error().code(), Errc::journal_poisoned);
  EXPECT_EQ(journal->stats().state, LogState::poisoned);
  EXPECT_EQ(journal->durable(), durable);
  EXPECT_FALSE(journal->close()) << "there is no good order to close in";
}

TEST_F(JournalSegments, an_idle_log_proves_its_last_reports_once) {
  open();
  const JournalLaneId id = lane("alice");
  items(id, 1);
  const ItemNumber last = journal->stats().submitted;
  EXPECT_LE(journal->until_wanted(), milliseconds(10));
  idle(50);
  EXPECT_EQ(journal->stats().submitted, last + 1) << "one watermark, and none for itself";
  const auto found = read();
  EXPECT_EQ(found.at("alice").size(), 1U) << "proven while the log is open";
  items(id, 1);
  idle(50);
  EXPECT_EQ(journal->stats().submitted, last + 3);
}

TEST_F(JournalSegments, a_crash_loop_takes_no_room) {
  open();
  items(lane("alice"), 3);
  kill();
  std::size_t slots = 0;
  for (int crash = 0; crash < 50; ++crash) {
    open();
    EXPECT_FALSE(journal->recovery().clean);
    idle(3);
    kill();
    if (crash == 5) slots = medium->slots().size();
  }
  EXPECT_EQ(medium->slots().size(), slots);
  open();
  EXPECT_LE(journal->stats().segments_live, 2U);
  EXPECT_EQ(journal->lanes()[0].end, 3U);
}

TEST_F(JournalSegments, creation_that_is_killed_anywhere_is_done_again) {
  for (const Crash kind : {Crash::kill, Crash::power}) {
    for (std::uint64_t operations = 1; operations < 40; ++operations) {
      make_disk({});
      ends.clear();
      medium->crash_after(operations, kind);
      if (auto opened = try_open(); opened) {
        medium->crash_after(0, kind);
        medium->crash(kind);
      }
      medium->settle(true);
      open();
      ASSERT_TRUE(journal) << "after " << operations << " operations";
      items(lane("alice"), 2);
      EXPECT_EQ(journal->lanes()[0].end, 2U);
      EXPECT_EQ(medium->objection, "");
    }
  }
}

TEST_F(JournalSegments, closing_while_items_are_in_flight_loses_none) {
  open();
  const JournalLaneId id = lane("alice");
  for (int number = 0; number < 3; ++number) {
    say(id, "message");
    ASSERT_TRUE(journal->submit());
  }
  EXPECT_GT(journal->in_flight(), 0U);
  close();
  EXPECT_EQ(read()["alice"].size(), 3U);
  open();
  EXPECT_TRUE(journal->recovery().clean);
  EXPECT_EQ(journal->recovery().cut_bytes, 0U);
}

TEST_F(JournalSegments, epochs_rise_and_say_whose_items_they_are) {
  open();
  EXPECT_TRUE(journal->recovery().created);
  EXPECT_EQ(journal->stats().epoch, 1U);
  const Uuid uuid = journal->uuid();
  for (std::uint64_t epoch = 2; epoch < 5; ++epoch) {
    kill();
    open();
    EXPECT_FALSE(journal->recovery().created);
    EXPECT_EQ(journal->stats().epoch, epoch);
    EXPECT_EQ(journal->uuid(), uuid);
  }
}

}  // namespace
}  // namespace millrace::sim
