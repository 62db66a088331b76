// What a subscriber of a durable channel gets, and when: nothing before it is durable, whatever way
// it asks; what the journal says is taken with care; and it goes on where its name stopped.
#include "persist/durable_channel.hpp"

#include <atomic>
#include <poll.h>
#include <thread>
#include <vector>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing_support::bytes_of;
using testing_support::code_of;
using testing_support::kWatchdog;
using testing_support::next_text;
using testing_support::said;
using testing_support::ToyPersister;

class DurableSubscriber : public testing_support::DurableChannelTest {
 protected:
  [[nodiscard]] static Subscriber remembering(const Channel& channel, const std::string& name,
                                              From from = From::oldest()) {
    SubscriberOptions options;
    options.from = from;
    options.name = name;
    options.remember = true;
    return subscriber(channel, options);
  }
};

TEST_F(DurableSubscriber, GetsAMessageWhenItIsDurableAndNotBefore) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, From::oldest());
  Publisher source = publisher(channel, "feed");
  send_numbers(source, 3);
  EXPECT_EQ(next_text(reader), "<nothing>");
  journal->copy(2);
  EXPECT_EQ(next_text(reader), "<nothing>") << "copied is not durable";
  journal->flush();
  EXPECT_EQ(next_text(reader), text(0));
  EXPECT_EQ(next_text(reader), text(1));
  EXPECT_EQ(next_text(reader), "<nothing>");
  journal->copy_and_flush();
  EXPECT_EQ(next_text(reader), text(2));
}

TEST_F(DurableSubscriber, WaitsInEveryWayOfPolling) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, From::oldest());
  Publisher source = publisher(channel, "feed");
  send_numbers(source, 2);
  EXPECT_EQ(code_of(reader.poll_for(5ms)), Errc::timeout);
  EXPECT_EQ(code_of(reader.wait(5ms)), Errc::timeout);
  EXPECT_EQ(reader.poll_each([](const Message&) { ADD_FAILURE(); }), std::size_t{0});
  const auto in_place = reader.poll_in_place();
  ASSERT_TRUE(in_place) << said(in_place);
  EXPECT_FALSE(*in_place);
  journal->copy_and_flush(1);
  Sequence seen = 0;
  EXPECT_EQ(reader.poll_each([&](const Message& m) { seen += m.sequence() + 1; }), std::size_t{1});
  EXPECT_EQ(seen, 1U);
  journal->copy_and_flush();
  auto last = reader.poll_in_place();
  ASSERT_TRUE(last && *last) << said(last);
  EXPECT_EQ((*last)->sequence(), 1U);
  EXPECT_TRUE(std::move(**last).consume([](std::span<const std::byte>) {}));
}

TEST_F(DurableSubscriber, MayAskForVisibleMessages) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, {.from = From::oldest(), .delivery = Delivery::visible});
  Publisher source = publisher(channel, "feed");
  send_numbers(source, 2);
  EXPECT_EQ(next_text(reader), text(0));
  EXPECT_EQ(next_text(reader), text(1));
}

TEST_F(DurableSubscriber, FilteredMessagesAreHeldBackToo) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader =
      subscriber(channel, {.from = From::oldest(), .filter = {.mask = 1, .value = 1}});
  Publisher source = publisher(channel, "feed");
  send(source, "no", 0);
  send(source, "yes", 1);
  EXPECT_EQ(next_text(reader), "<nothing>");
  EXPECT_EQ(reader.stats().skipped, 0U);
  journal->copy_and_flush();
  EXPECT_EQ(next_text(reader), "yes");
  EXPECT_EQ(reader.stats().skipped, 1U);
}

TEST_F(DurableSubscriber, IsWokenByTheJournal) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, {.from = From::oldest(), .wait = Wait::park});
  Publisher source = publisher(channel, "feed");
  constexpr Sequence kRounds = 300;
  std::thread writer([&] {
    for (Sequence i = 0; i < kRounds; ++i) {
      send(source, text(i));
      journal->copy_and_flush();
      if (i % 8 == 0) std::this_thread::sleep_for(1ms);
    }
  });
  for (Sequence i = 0; i < kRounds; ++i) {
    const auto message = reader.poll_for(kWatchdog);
    ASSERT_TRUE(message) << said(message);
    ASSERT_EQ(message->text(), text(i));
  }
  writer.join();
}

TEST_F(DurableSubscriber, ItsDescriptorSpeaksWhenSomethingIsDurable) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, From::oldest());
  Publisher source = publisher(channel, "feed");
  const auto fd = reader.event_fd();
  ASSERT_TRUE(fd) << said(fd);
  pollfd waiting{*fd, POLLIN, 0};
  for (Sequence i = 0; i < 50; ++i) {
    while (next_text(reader) != "<nothing>") {
    }
    send(source, text(i));
    journal->copy();
    ASSERT_EQ(next_text(reader), "<nothing>");
    journal->flush();
    ASSERT_EQ(::poll(&waiting, 1, 60'000), 1);
    ASSERT_EQ(next_text(reader), text(i));
  }
}

TEST_F(DurableSubscriber, UntilClosedWaitsForWhatIsNotDurableYet) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, {.from = From::oldest(), .until_closed = true});
  {
    Publisher source = publisher(channel, "feed");
    send_numbers(source, 2);
  }
  EXPECT_EQ(code_of(reader.poll_for(20ms)), Errc::timeout);
  journal->copy_and_flush();
  EXPECT_EQ(next_text(reader), text(0));
  EXPECT_EQ(next_text(reader), text(1));
  EXPECT_EQ(code_of(reader.poll_for(kWatchdog)), Errc::closed);
}

TEST_F(DurableSubscriber, OfAPoisonedJournalGetsWhatIsDurableAndThenTheError) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, From::oldest());
  Publisher source = publisher(channel, "feed");
  send_numbers(source, 3);
  journal->copy_and_flush(2);
  journal->say(layout::JournalState::poisoned);
  EXPECT_EQ(next_text(reader), text(0));
  EXPECT_EQ(next_text(reader), text(1));
  EXPECT_EQ(next_text(reader), "<journal_poisoned>");
  EXPECT_EQ(code_of(reader.poll_for(kWatchdog)), Errc::journal_poisoned) << "it does not wait";
  journal->say(layout::JournalState::ok);
  journal->copy_and_flush();
  EXPECT_EQ(next_text(reader), text(2)) << "a successor goes on";
}

TEST_F(DurableSubscriber, IsToldOfAPoisonedJournalWhileItWaits) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, {.from = From::oldest(), .wait = Wait::park});
  Publisher source = publisher(channel, "feed");
  send_numbers(source, 1);
  std::thread end([&] {
    std::this_thread::sleep_for(20ms);
    journal->say(layout::JournalState::poisoned);
  });
  EXPECT_EQ(code_of(reader.poll_for(kWatchdog)), Errc::journal_poisoned);
  end.join();
}

TEST_F(DurableSubscriber, GetsNothingOfTheLogBeforeTheDurablePointSaysSo) {
  const Channel channel = durable_channel(Policy::lossy);
  const auto journal = persister(channel);
  Publisher source = publisher(channel, "feed");
  send_durably(source, *journal, 1000);
  Subscriber reader = subscriber(channel, From::at(0));
  send_numbers(source, 2);
  journal->copy();
  journal->flush(false);
  expect_numbers(reader, 0, 1000);
  EXPECT_EQ(next_text(reader), "<nothing>");
}

TEST_F(DurableSubscriber, WaitsForAJournalThatIsFullOrDown) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, From::oldest());
  Publisher source = publisher(channel, "feed");
  send_numbers(source, 1);
  journal->say(layout::JournalState::full);
  EXPECT_EQ(code_of(reader.poll_for(10ms)), Errc::timeout);
  journal->file().incarnation.store(4711);  // nobody's: down
  journal->say(layout::JournalState::ok);
  EXPECT_EQ(code_of(reader.poll_for(10ms)), Errc::timeout);
  journal->copy_and_flush();
  EXPECT_EQ(next_text(reader), text(0));
}

TEST_F(DurableSubscriber, IsToldOnceOfALaneThatTheJournalRefuses) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, From::oldest());
  Publisher refused = publisher(channel, "liar");
  Publisher source = publisher(channel, "feed");
  send(refused, "never");
  journal->copy();
  const auto stats = channel.stats();
  ASSERT_TRUE(stats);
  journal->slot_of(0).lane_epoch.store(stats->lanes[0].epoch);
  journal->slot_of(0).refused.store(1);
  EXPECT_EQ(next_text(reader), "<journal_poisoned>");
  EXPECT_EQ(next_text(reader), "<nothing>");
  send(source, "other");
  const auto other = channel.stats();
  journal->durable(1, {other->lanes[1].position, 1});
  EXPECT_EQ(next_text(reader), "other");
}

TEST_F(DurableSubscriber, TakesNoHostileWordOfTheJournalForProgress) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Subscriber reader = subscriber(channel, From::oldest());
  Publisher source = publisher(channel, "feed");
  send_numbers(source, 1);
  const std::uint64_t epoch = channel.stats()->lanes[0].epoch;
  layout::JournalSlot& slot = journal->slot_of(0);
  const auto claim = [&](std::uint64_t of, Position position) {
    slot.lane_epoch.store(of);
    slot.points[1].position.store(position);
    slot.points[1].sequence.store(1);
    slot.turn.store(1);
    return next_text(reader);
  };
  EXPECT_EQ(claim(epoch + 1, 4096), "<nothing>") << "another lane's";
  EXPECT_EQ(claim(epoch, 3), "<nothing>") << "no record begins there";
  slot.turn.store(0);
  EXPECT_EQ(next_text(reader), "<nothing>") << "no turn yet";
  EXPECT_EQ(claim(epoch, Position{1} << 60), text(0)) << "beyond the lane: all there is";
  EXPECT_EQ(next_text(reader), "<nothing>");
}

TEST_F(DurableSubscriber, WrongWishesAreRefused) {
  const Channel plain = small_channel();
  EXPECT_EQ(code_of(plain.subscriber({.delivery = Delivery::durable})), Errc::bad_argument);
  EXPECT_EQ(code_of(plain.subscriber({.name = "risk", .remember = true})), Errc::bad_argument);
  EXPECT_EQ(code_of(plain.subscriber({.from = From::since(1ns)})), Errc::bad_argument);
  EXPECT_TRUE(plain.subscriber({.name = "risk"}));
  EXPECT_EQ(code_of(plain.subscriber({.name = "../risk"})), Errc::bad_argument);
  EXPECT_EQ(code_of(plain.subscriber({.name = std::string(64, 'a')})), Errc::bad_argument);
  EXPECT_EQ(code_of(plain.subscriber({.remember = true})), Errc::bad_argument);
}

TEST_F(DurableSubscriber, GoesOnWhereItsNameReleased) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Publisher source = publisher(channel, "feed");
  {
    Subscriber reader = remembering(channel, "risk");
    send_durably(source, *journal, 10);
    expect_numbers(reader, 0, 5);  // 4 is in hand: polled, and not released
  }
  {
    Subscriber reader = remembering(channel, "risk");
    expect_numbers(reader, 4, 7);
    ASSERT_TRUE(reader.release());
  }
  {
    Subscriber reader = remembering(channel, "risk");
    EXPECT_EQ(reader.poll_each([](const Message&) {}, 2), std::size_t{2});
  }
  Subscriber reader = remembering(channel, "risk", From::now());
  expect_numbers(reader, 9, 10);
  Subscriber another = remembering(channel, "audit");
  expect_numbers(another, 0, 10);
}

TEST_F(DurableSubscriber, MissesNothingThatCameWhileItsNameWasAway) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Publisher source = publisher(channel, "feed");
  send_durably(source, *journal, 3);
  (void)remembering(channel, "risk", From::now());  // it reads nothing, and goes
  send_durably(source, *journal, 1000);             // laps the ring
  Publisher newcomer = publisher(channel, "late");
  send_durably(newcomer, *journal, 1);
  Subscriber reader = remembering(channel, "risk", From::now());
  std::vector<Sequence> next{3, 0};
  for (int i = 0; i < 1001; ++i) {
    const auto message = reader.poll_for(kWatchdog);
    ASSERT_TRUE(message) << said(message);
    ASSERT_EQ(message->sequence(), next[message->lane()]++);
  }
  EXPECT_EQ(next_text(reader), "<nothing>");
}

TEST_F(DurableSubscriber, ANameIsOfOneLivingSubscriber) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  {
    Subscriber first = remembering(channel, "risk");
    const auto second = channel.subscriber({.name = "risk", .remember = true});
    EXPECT_EQ(code_of(second), Errc::busy);
    EXPECT_NE(said(second).find("risk"), std::string::npos) << said(second);
    EXPECT_NE(said(second).find(std::to_string(getpid())), std::string::npos) << said(second);
  }
  EXPECT_TRUE(channel.subscriber({.name = "risk", .remember = true}));
}

TEST_F(DurableSubscriber, DoesNotBelieveAPlaceBeyondTheEnd) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  Publisher source = publisher(channel, "feed");
  { Subscriber reader = remembering(channel, "risk"); }
  send_durably(source, *journal, 2);
  const int fd = open(file("remembered/risk").c_str(), O_RDWR | O_CLOEXEC);
  const std::uint64_t far = 1'000'000;
  ASSERT_EQ(pwrite(fd, &far, 8, layout::remembered_slot_offset(0) + 8), 8);
  close(fd);
  Subscriber reader = remembering(channel, "risk");
  EXPECT_EQ(next_text(reader), "<rewound>");
  EXPECT_EQ(next_text(reader), "<nothing>");
  EXPECT_EQ(reader.stats().rewinds, 1U);
  send_durably(source, *journal, 1);
  EXPECT_EQ(next_text(reader), text(2));
}

TEST_F(DurableSubscriber, RefusesAFileOfPlacesThatIsNone) {
  const Channel channel = durable_channel();
  const auto journal = persister(channel);
  { Subscriber reader = remembering(channel, "risk"); }
  ASSERT_EQ(truncate(file("remembered/risk").c_str(), 100), 0);
  EXPECT_EQ(code_of(channel.subscriber({.name = "risk", .remember = true})), Errc::format);
  { Subscriber reader = remembering(channel, "audit"); }
  const int fd = open(file("remembered/audit").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(pwrite(fd, "other", 6, offsetof(layout::RememberedFile, name)), 6);
  close(fd);
  EXPECT_EQ(code_of(channel.subscriber({.name = "audit", .remember = true})), Errc::format);
}

}  // namespace
}  // namespace millrace
