// A journal without a disk: it does with a JournalFeed what a recorder does, and keeps the messages
// in memory that forked children share, so that it may be killed and its successor goes on.
#pragma once

#include "millrace/core/record_layout.hpp"
#include "millrace/transport/journal_feed.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <utility>
#include <vector>

namespace millrace::testing_support {

// What is in it is durable: an entry counts once `count` says so.
class FeedDisk {
 public:
  static constexpr std::size_t kEntriesMax = 400'000;
  static constexpr std::size_t kProducersMax = 8;

  struct Entry {
    Sequence sequence;
    std::uint64_t lost;  // not 0: a gap of so many messages, which ends at `sequence`
    std::uint32_t producer;
    std::uint32_t length;
    char text[40];
  };

  FeedDisk() {
    void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) shared_ = static_cast<Shared*>(memory);
    shared_->log = random_uuid();
  }

  FeedDisk(const FeedDisk&) = delete;
  FeedDisk& operator=(const FeedDisk&) = delete;

  ~FeedDisk() { munmap(shared_, sizeof(Shared)); }

  [[nodiscard]] const Uuid& log() const { return shared_->log; }

  [[nodiscard]] Uuid& channel() const { return shared_->channel; }

  [[nodiscard]] std::uint64_t next_epoch() const { return ++shared_->epoch; }

  // Its number; a new one is known from now on.
  [[nodiscard]] std::uint32_t producer(const std::string& name) const {
    for (std::uint32_t i = 0; i < shared_->producers; ++i) {
      if (name == shared_->names[i]) return i;
    }
    name.copy(shared_->names[shared_->producers], kNameBytes - 1);
    return shared_->producers++;
  }

  [[nodiscard]] std::vector<std::string> producers() const {
    return {shared_->names, shared_->names + shared_->producers};
  }

  // The number that a producer of whom it holds nothing begins with.
  void begin(std::uint32_t producer, Sequence first) const {
    if (end(producer) == 0) shared_->ends[producer] = first;
  }

  [[nodiscard]] Sequence end(std::uint32_t producer) const {
    for (std::uint64_t i = count(); i-- > 0;) {
      const Entry& last = entry(i);
      if (last.producer == producer) return last.sequence + (last.lost == 0 ? 1 : 0);
    }
    return shared_->ends[producer];
  }

  [[nodiscard]] std::uint64_t count() const {
    return shared_->count.load(std::memory_order_relaxed);
  }

  [[nodiscard]] const Entry& entry(std::uint64_t i) const { return shared_->entries[i]; }

  // Not there before commit().
  void append(const Entry& entry) { shared_->entries[count() + open_++] = entry; }

  void commit() {
    shared_->count.store(count() + open_, std::memory_order_relaxed);
    open_ = 0;
  }

 private:
  struct Shared {
    Uuid log;
    Uuid channel;
    std::uint64_t epoch;
    std::uint32_t producers;
    char names[kProducersMax][kNameBytes];
    Sequence ends[kProducersMax];
    std::atomic<std::uint64_t> count;
    Entry entries[kEntriesMax];
  };

  Shared* shared_ = nullptr;
  std::uint64_t open_ = 0;
};

class FeedPersister {
 public:
  static Result<FeedPersister> start(const Domain& domain, const std::string& channel,
                                     const std::string& directory, FeedDisk& disk) {
    auto feed = JournalFeed::attach(domain, channel, directory, disk.log(), disk.next_epoch(),
                                    disk.channel());
    if (!feed) return Failure(feed.error());
    disk.channel() = feed->channel_in_log();
    FeedPersister made(std::move(*feed), disk);
    for (const std::string& name : disk.producers()) {
      auto added = made.feed_.add_lane(name, disk.end(disk.producer(name)));
      if (!added) return Failure(added.error());
    }
    made.feed_.open_to_publishers();
    return made;
  }

  JournalFeed& feed() { return feed_; }

  // One turn of every lane; what is copied is durable at once. Returns how many messages came.
  Result<std::uint64_t> round(std::size_t room = 1024) {
    if (auto joined = join_lanes(); !joined) return Failure(joined.error());
    std::uint64_t messages = 0;
    for (const auto& [lane, producer] : lanes_) {
      auto taken = take(lane, producer, room);
      if (!taken) return taken;
      messages += *taken;
    }
    feed_.beat(disk_->count() * sizeof(FeedDisk::Entry));
    return messages;
  }

  // Round and round until nothing comes.
  Result<void> drain() {
    for (;;) {
      auto messages = round();
      if (!messages) return Failure(messages.error());
      if (*messages == 0) return {};
    }
  }

 private:
  FeedPersister(JournalFeed feed, FeedDisk& disk) : feed_(std::move(feed)), disk_(&disk) {}

  Result<void> join_lanes() {
    auto come = feed_.new_lanes();
    if (!come) return Failure(come.error());
    for (const FeedLane& lane : *come) {
      const std::uint32_t producer = disk_->producer(lane.producer);
      disk_->begin(producer, lane.durable.sequence);
      if (auto on = feed_.resume(lane.lane, disk_->end(producer)); !on) return on;
      feed_.durable(lane.lane, feed_.copied(lane.lane));
      lanes_.emplace_back(lane.lane, producer);
    }
    return {};
  }

  Result<std::uint64_t> take(std::uint32_t lane, std::uint32_t producer, std::size_t room) {
    std::vector<std::byte> bytes(room);
    auto run = feed_.copy(lane, bytes);
    if (!run) return Failure(run.error());
    if (run->lost != 0) {
      disk_->append({run->first, run->lost, producer, 0, {}});
      feed_.count_gap(lane, run->lost);
    }
    if (run->record_bytes != 0) return take_long(lane, producer, run->record_bytes);
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < run->count; ++i) {
      at += keep(bytes.data() + at, producer, run->first + i);
    }
    if (at != run->bytes) return fail(Errc::damaged, "a run does not end with its last record");
    disk_->commit();
    feed_.durable(lane, feed_.copied(lane));
    return run->count;
  }

  Result<std::uint64_t> take_long(std::uint32_t lane, std::uint32_t producer, std::size_t length) {
    constexpr std::size_t kPart = 512;
    const Sequence sequence = feed_.copied(lane).sequence;
    std::vector<std::byte> whole(length);
    for (std::size_t at = 0; at < length;) {
      const std::size_t part = std::min(length - at, kPart);
      auto copied = feed_.copy_part(lane, at, length, std::span(whole).subspan(at, part));
      if (!copied) return Failure(copied.error());
      at += *copied;
    }
    keep(whole.data(), producer, sequence);
    disk_->commit();
    feed_.durable(lane, feed_.copied(lane));
    return 1;
  }

  // Returns the bytes of the record.
  std::size_t keep(const std::byte* record, std::uint32_t producer, Sequence sequence) {
    std::uint64_t word = 0;
    std::memcpy(&word, record, sizeof word);
    const auto header = layout::RecordHeader::of(word);
    FeedDisk::Entry entry{sequence, 0, producer, header.length, {}};
    std::memcpy(entry.text, record + kHeaderBytes,
                std::min<std::size_t>(header.length, sizeof entry.text - 1));
    disk_->append(entry);
    return layout::record_bytes(header.length);
  }

  JournalFeed feed_;
  FeedDisk* disk_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lanes_;  // lane, producer
};

}  // namespace millrace::testing_support
