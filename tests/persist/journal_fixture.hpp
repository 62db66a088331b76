// A log on the simulated disk, with messages that are strings and a reader to compare them with.
#pragma once

#include "simulated_disk.hpp"

#include <millrace/core/record_layout.hpp>
#include <millrace/persist/journal.hpp>
#include <millrace/persist/journal_reader.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::sim {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr Uuid kChannel{1, 2, 3};

template <class T>
std::string said(const Result<T>& result) {
  return result ? "no error" : std::string(result.error().sentence());
}

// One message as it lies in a ring.
inline std::vector<std::byte> record_of(const std::string& text, Sequence sequence) {
  const layout::RecordHeader header{.length = static_cast<std::uint32_t>(text.size()),
                                    .type = RecordType::message,
                                    .sequence = static_cast<std::uint8_t>(sequence),
                                    .flags = 0,
                                    .key = 7};
  const std::uint64_t word = header.word();
  std::vector<std::byte> record(layout::record_bytes(text.size()));
  std::memcpy(record.data(), &word, sizeof word);
  std::memcpy(record.data() + sizeof word, text.data(), text.size());
  return record;
}

class JournalOnDisk : public testing::Test {
 protected:
  JournalOnDisk() {
    options.directory = "a simulated disk";
    options.segment_bytes = 256 * kKiB;
    options.item_bytes = 16 * kKiB;
    options.retain.bytes = 16 * options.segment_bytes;
    make_disk({});
  }

  void make_disk(DiskFacts facts) {
    facts.file_system = "simulated";
    medium = std::make_shared<SimulatedMedium>(1, facts, 64 * options.segment_bytes);
    medium->faults.stuck = 0;
  }

  [[nodiscard]] Result<Journal> try_open() const {
    return Journal::open(options, std::make_unique<SimulatedDisk>(medium));
  }

  void open() {
    journal.reset();
    auto opened = try_open();
    ASSERT_TRUE(opened) << said(opened);
    journal.emplace(std::move(*opened));
    for (const JournalLane& lane : journal->lanes())
      ends[lane.id] = lane.end;
  }

  void close() {
    auto closed = journal->close();
    ASSERT_TRUE(closed) << said(closed);
    journal.reset();
  }

  // The process dies, and what it left in flight lands.
  void kill() {
    medium->crash(Crash::kill);
    journal.reset();
    medium->settle(true);
    medium->faults = {.stuck = 0};
  }

  JournalLaneId lane(const std::string& producer, std::uint64_t epoch = 1) {
    Sequence end = 0;
    for (const JournalLane& known : journal->lanes()) {
      if (known.producer == producer) end = ends[known.id];
    }
    auto id = journal->lane(kChannel, "orders", producer, epoch, end);
    EXPECT_TRUE(id) << said(id);
    if (!id) return 0;
    ends.try_emplace(*id, end);
    return *id;
  }

  // Builds one message into the log; submits what is in the way.
  void say(JournalLaneId id, const std::string& text) {
    const std::vector<std::byte> record = record_of(text, ends[id]);
    auto room = journal->room(record.size());
    if (room.size() < record.size() && journal->building() > 0) {
      submit();
      room = journal->room(record.size());
    }
    if (room.size() >= record.size()) {
      std::ranges::copy(record, room.begin());
      journal->add_run(id, ends[id]++, 1, record.size());
    } else {
      say_in_parts(id, record);
    }
  }

  void say_in_parts(JournalLaneId id, std::span<const std::byte> record) {
    for (std::size_t at = 0; at < record.size();) {
      const auto room = journal->room(record.size() - at);
      if (room.empty()) {
        submit();
        continue;
      }
      std::ranges::copy(record.subspan(at, room.size()), room.begin());
      journal->add_part(id, ends[id], at, record.size(), room.size());
      at += room.size();
    }
    ++ends[id];
  }

  void submit() {
    for (int waits = 0; !journal->may_submit() && waits < 1000; ++waits) {
      ASSERT_TRUE(journal->poll(std::chrono::milliseconds(1)));
    }
    auto item = journal->submit();
    ASSERT_TRUE(item) << said(item);
  }

  void drain() {
    if (journal->building() > 0) submit();
    for (int waits = 0; journal->durable() < journal->stats().submitted && waits < 1000; ++waits) {
      ASSERT_TRUE(journal->poll(std::chrono::milliseconds(1)));
    }
  }

  // Everything a reader finds, by producer; lanes that were trimmed begin where they do.
  std::map<std::string, std::vector<std::string>> read() const {
    std::map<std::string, std::vector<std::string>> found;
    auto reader =
        JournalReader::open(std::make_unique<SimulatedDisk>(medium, SimulatedDisk::Role::reader));
    EXPECT_TRUE(reader) << said(reader);
    if (!reader) return found;
    std::map<JournalLaneId, std::pair<std::string, Sequence>> next;
    for (const JournalLane& lane : reader->lanes())
      next[lane.id] = {lane.producer, lane.first};
    for (;;) {
      auto message = reader->next();
      EXPECT_TRUE(message) << said(message);
      if (!message || !*message) return found;
      auto& [producer, sequence] = next[(*message)->lane];
      EXPECT_EQ((*message)->sequence, sequence) << producer;
      EXPECT_EQ((*message)->key, 7);
      const auto bytes = (*message)->bytes;
      found[producer].emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      sequence = (*message)->sequence + 1;
    }
  }

  std::shared_ptr<SimulatedMedium> medium;
  JournalOptions options;
  std::optional<Journal> journal;
  std::map<JournalLaneId, Sequence> ends;
};

}  // namespace millrace::sim
