// A journal for tests of the transport: it writes CH/journal itself and takes messages as any
// visible subscriber does. copy() and flush() are two steps, so that a test can stand between.
#pragma once

#include "millrace/core/channel_journal_layout.hpp"
#include "millrace/core/futex.hpp"
#include "millrace/core/unique_number.hpp"
#include "millrace/transport/domain.hpp"
#include "persist/toy_log.hpp"

#include <chrono>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace millrace::testing_support {

class ToyPersister {
 public:
  // `path`: of the channel's directory.
  ToyPersister(Channel channel, const std::string& path, const ToyLog& log)
      : channel_(std::move(channel)), log_(log) {
    const int fd = open((path + "/journal").c_str(), O_RDWR | O_CLOEXEC);

    struct stat status {};

    fstat(fd, &status);
    bytes_ = static_cast<std::size_t>(status.st_size);
    void* const data = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    file_ = data == MAP_FAILED ? nullptr : static_cast<layout::ChannelJournalFile*>(data);
    const Uuid uuid = random_uuid();
    std::memcpy(file_->channel, uuid.data(), uuid.size());
    say(layout::JournalState::ok);
    reader_.emplace(*channel_.subscriber(
        {.from = From::oldest(), .wait = Wait::park, .delivery = Delivery::visible}));
    const PeerName me = channel_.stats()->readers.front().reader;
    file_->id.store(me.id);
    file_->incarnation.store(me.incarnation);
  }

  ToyPersister(const ToyPersister&) = delete;
  ToyPersister& operator=(const ToyPersister&) = delete;

  ~ToyPersister() { munmap(file_, bytes_); }

  // Takes up to `most` messages. They are in no log yet.
  std::size_t copy(std::size_t most = SIZE_MAX) {
    std::size_t taken = 0;
    while (taken < most) {
      const auto message = reader_->try_poll();
      if (!message || !*message) break;
      const Message& m = **message;
      const auto* const text = reinterpret_cast<const char*>(m.bytes().data());
      taken_.push_back({m.lane(),
                        m.key(),
                        {m.position() + layout::record_bytes(m.bytes().size()), m.sequence() + 1},
                        std::string(text, m.bytes().size())});
      ++taken;
    }
    (void)reader_->release();
    return taken;
  }

  // What was taken becomes durable. `told`: the durable points move, too.
  void flush(bool told = true) {
    for (const Taken& message : taken_) {
      const Lane& lane = find(message.lane);
      log_.append(lane.producer, message.behind.sequence - 1, message.key,
                  std::as_bytes(std::span(message.text)), wall_ns);
      if (told) durable(message.lane, message.behind);
    }
    taken_.clear();
  }

  std::size_t copy_and_flush(std::size_t most = SIZE_MAX) {
    const std::size_t taken = copy(most);
    flush();
    return taken;
  }

  void durable(std::uint32_t lane, Checkpoint point) {
    layout::JournalSlot& slot = slot_of(lane);
    const std::uint64_t turn = slot.turn.load() + 1;
    slot.points[turn % 2].position.store(point.position);
    slot.points[turn % 2].sequence.store(point.sequence);
    slot.lane_epoch.store(find(lane).epoch);
    slot.turn.store(turn);
    slot.advanced.fetch_add(1);
    futex_wake(&slot.advanced, INT_MAX);
  }

  void say(layout::JournalState state) {
    file_->state.store(static_cast<std::uint32_t>(state));
    futex_wake(&file_->state, INT_MAX);
  }

  [[nodiscard]] layout::JournalSlot& slot_of(std::uint32_t lane) const {
    return *reinterpret_cast<layout::JournalSlot*>(reinterpret_cast<std::byte*>(file_) +
                                                   layout::journal_slot_offset(lane));
  }

  [[nodiscard]] layout::ChannelJournalFile& file() const { return *file_; }

  std::uint64_t wall_ns = 1'000;  // when the log takes the next messages in

 private:
  struct Taken {
    std::uint32_t lane;
    std::uint16_t key;
    Checkpoint behind;
    std::string text;
  };

  struct Lane {
    std::uint64_t epoch = 0;
    std::string producer;
  };

  const Lane& find(std::uint32_t lane) {
    Lane& known = lanes_[lane];
    if (known.epoch != 0) return known;
    const auto stats = channel_.stats();
    for (const LaneStats& seen : stats->lanes)
      if (seen.lane == lane) known = {seen.epoch, seen.producer};
    return known;
  }

  Channel channel_;
  const ToyLog& log_;
  layout::ChannelJournalFile* file_ = nullptr;
  std::size_t bytes_ = 0;
  std::optional<Subscriber> reader_;
  std::vector<Taken> taken_;
  std::map<std::uint32_t, Lane> lanes_;
};

}  // namespace millrace::testing_support
