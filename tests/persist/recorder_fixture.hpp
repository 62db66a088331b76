// A private domain with durable channels, a journal for them on a real disk, and a recorder.
#pragma once

#include "millrace/persist/journal_reader.hpp"
#include "millrace/persist/recorder.hpp"
#include "millrace/persist/use_journals.hpp"
#include "persist/numbered_message.hpp"
#include "support/channel_fixture.hpp"
#include "support/disk_scratch.hpp"
#include "support/scratch_directory.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::testing_support {

// What a log must hold of one producer: every number below `end` but those.
struct Journaled {
  Sequence end = 0;
  std::set<Sequence> given_up{};
  Sequence first = 0;
};

// Reads the whole log: every message of the producers once, in order, whole. What is wrong, else
// empty. `most` as for NumberedMessage.
inline std::string check_log(Result<JournalReader> reader, std::size_t most,
                             const std::map<std::string, Journaled>& producers) {
  if (!reader) return said(reader);
  std::map<JournalLaneId, std::pair<std::string, Sequence>> next;
  for (const JournalLane& lane : reader->lanes()) {
    const auto expected = producers.find(lane.producer);
    if (expected == producers.end()) return "unknown producer " + lane.producer;
    next[lane.id] = {lane.producer, expected->second.first};
  }
  const auto pass_over = [&](const Journaled& expected, Sequence& at) {
    while (expected.given_up.contains(at))
      ++at;
  };
  for (;;) {
    const auto message = reader->next();
    if (!message) return said(message);
    if (!*message) break;
    auto& [producer, at] = next[(*message)->lane];
    const Journaled& expected = producers.at(producer);
    pass_over(expected, at);
    const std::string where = producer + " " + std::to_string((*message)->sequence);
    if ((*message)->sequence != at) return where + " instead of " + std::to_string(at);
    if (!NumberedMessage(producer, at, most).is((*message)->bytes)) return where + " is not whole";
    ++at;
  }
  for (auto& [id, place] : next) {
    const Journaled& expected = producers.at(place.first);
    pass_over(expected, place.second);
    if (place.second != expected.end) {
      return place.first + " ends at " + std::to_string(place.second) + " instead of " +
             std::to_string(expected.end);
    }
  }
  return next.size() == producers.size() ? "" : "producers are missing";
}

inline std::string check_log(const std::string& directory, std::size_t most,
                             const std::map<std::string, Journaled>& producers) {
  return check_log(JournalReader::open(directory), most, producers);
}

// A recorder in a thread of its own, which opened it. Ends in good order.
class RecorderThread {
 public:
  RecorderThread(Domain domain, JournalOptions options, std::vector<std::string> channels) {
    std::promise<std::string> opened;
    std::future<std::string> answer = opened.get_future();
    thread_ = std::thread([=, this, opened = std::move(opened)]() mutable {
      auto recorder = Recorder::open(domain, options, channels);
      opened.set_value(recorder ? "" : said(recorder));
      if (!recorder) return;
      if (auto ran = recorder->run(stop_); !ran) wrong_ = said(ran);
      if (auto closed = recorder->close(); !closed) wrong_ += said(closed);
      stats_ = recorder->stats();
    });
    wrong_open_ = answer.get();
  }

  RecorderThread(const RecorderThread&) = delete;
  RecorderThread& operator=(const RecorderThread&) = delete;

  ~RecorderThread() { (void)end(); }

  [[nodiscard]] const std::string& opened() const { return wrong_open_; }

  // Everything published so far is durable. What went wrong, else empty.
  std::string end() {
    stop_.store(true, std::memory_order_release);  // [sync:recorder-stop] see Recorder::run
    if (thread_.joinable()) thread_.join();
    return wrong_;
  }

  // After end().
  [[nodiscard]] const RecorderStats& stats() const { return stats_; }

 private:
  std::atomic<bool> stop_{false};
  std::string wrong_open_;
  std::string wrong_;
  RecorderStats stats_;
  std::thread thread_;
};

class RecorderTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kRing = std::uint64_t{1} << 20;

  void SetUp() override {
    if (disk_.path().empty()) GTEST_SKIP() << "no directory on a real disk: set TMPDIR to one";
    use_journals();
    domain_ = enter("test");
  }

  // A domain as another process has it.
  [[nodiscard]] Domain enter(const std::string& participant) const {
    DomainOptions options;
    options.path = memory_ / "domain";
    options.participant = participant;
    auto opened = Domain::open(options);
    EXPECT_TRUE(opened) << said(opened);
    return std::move(*opened);
  }

  // What a reboot leaves of shared memory. Nobody uses the domain any more.
  void forget_shared_memory() {
    domain_.reset();
    std::filesystem::remove_all(memory_ / "domain");
    domain_ = enter("test");
  }

  [[nodiscard]] std::string journal() const { return disk_ / "journal"; }

  [[nodiscard]] ChannelOptions durable_options(std::uint64_t ring = kRing) const {
    ChannelOptions options;
    options.ring_bytes = ring;
    options.lanes_max = 16;
    options.durable = true;
    options.journal = journal();
    return options;
  }

  [[nodiscard]] Channel orders(std::uint64_t ring = kRing) {
    auto channel = domain_->channel("orders", durable_options(ring));
    EXPECT_TRUE(channel) << said(channel);
    return *channel;
  }

  [[nodiscard]] JournalOptions log_options() const {
    JournalOptions options;
    options.directory = journal();
    options.segment_bytes = std::uint64_t{1} << 20;
    options.item_bytes = std::uint64_t{32} << 10;
    options.retain.bytes = std::uint64_t{512} << 20;
    options.spares = 1;
    options.durability = Durability::dsync;
    return options;
  }

  [[nodiscard]] Result<Recorder> open_recorder(const std::vector<std::string>& channels = {
                                                   "orders"}) const {
    return Recorder::open(enter("recorder"), log_options(), channels);
  }

  [[nodiscard]] static Publisher publisher(const Channel& channel, const std::string& name) {
    auto made = channel.publisher({.name = name});
    EXPECT_TRUE(made) << said(made);
    return std::move(*made);
  }

  // The publisher's next message. What went wrong, else empty.
  static std::string send_next(Publisher& source, std::string_view name, std::size_t most) {
    const NumberedMessage message(name, source.next_sequence(), most);
    const auto sent = source.send_for(kWatchdog, message.bytes());
    return sent ? "" : said(sent);
  }

  ScratchDirectory memory_;
  DiskScratch disk_;
  std::optional<Domain> domain_;
};

}  // namespace millrace::testing_support
