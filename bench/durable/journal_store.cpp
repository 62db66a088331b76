// The journal through its library, without channels: what the others are asked for as well.
#include "millrace/core/clock.hpp"
#include "millrace/core/record_layout.hpp"
#include "millrace/persist/journal.hpp"
#include "store.hpp"

#include <cstring>

namespace millrace::bench {

namespace {

constexpr std::uint64_t kSparesMaxNs = 10'000'000'000;

class JournalStore : public Store {
 public:
  JournalStore(Journal journal, JournalLaneId lane) : journal_(std::move(journal)), lane_(lane) {}

  Result<void> commit(std::span<const std::byte> message, std::size_t count) override {
    const std::size_t record = layout::record_bytes(message.size());
    while (count != 0) {
      const std::span<std::byte> room = journal_.room(record * count);
      const std::size_t fits = std::min(count, room.size() / record);
      if (fits == 0) {
        if (auto done = settle(); !done) return done;
        continue;
      }
      for (std::size_t each = 0; each < fits; ++each) {
        std::byte* const at = room.data() + each * record;
        const std::uint64_t word =
            layout::RecordHeader{.length = static_cast<std::uint32_t>(message.size()),
                                 .type = RecordType::message,
                                 .sequence = static_cast<std::uint8_t>(next_ + each),
                                 .flags = 0,
                                 .key = 0}
                .word();
        std::memcpy(at, &word, sizeof word);
        std::memcpy(at + sizeof word, message.data(), message.size());
      }
      journal_.add_run(lane_, next_, static_cast<std::uint32_t>(fits), fits * record);
      next_ += fits;
      count -= fits;
    }
    return settle();
  }

 private:
  // Writes what is built, and waits until it is durable.
  Result<void> settle() {
    const auto item = journal_.submit();
    if (!item) return Failure(item.error());
    while (journal_.durable() < *item) {
      if (auto polled = journal_.poll(std::chrono::seconds(1)); !polled) return polled;
    }
    return {};
  }

  Journal journal_;
  JournalLaneId lane_;
  Sequence next_ = 0;
};

Result<std::unique_ptr<Store>> make(const std::string& directory) {
  JournalOptions options;
  options.directory = directory + "/journal";
  auto journal = Journal::open(options);
  if (!journal) return Failure(journal.error());
  const Uuid channel = random_uuid();
  const auto lane = journal->lane(channel, "bench", "bench", 1, 0);
  if (!lane) return Failure(lane.error());
  // A log that is a second old still makes its spare slots; one that has run for a day does not.
  const std::uint64_t until = monotonic_ns() + kSparesMaxNs;
  while (journal->stats().spares <= options.spares && monotonic_ns() < until) {
    if (auto polled = journal->poll(std::chrono::milliseconds(10)); !polled) {
      return Failure(polled.error());
    }
  }
  return std::unique_ptr<Store>(std::make_unique<JournalStore>(std::move(*journal), *lane));
}

}  // namespace

StoreKind journal_kind() {
  return {.name = "millrace journal", .make = make, .absent = ""};
}

}  // namespace millrace::bench
