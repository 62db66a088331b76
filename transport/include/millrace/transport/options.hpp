// Everything a user may choose. Channel options are fixed when the channel is created; who opens it
// later finds them, and an explicit wish that differs is refused.
#pragma once

#include "millrace/core/join.hpp"
#include "millrace/core/limits.hpp"
#include "millrace/core/placement.hpp"
#include "millrace/core/segment.hpp"
#include "millrace/core/wait.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace millrace {

// What a full ring does with the readers that stand in its way.
enum class Policy : std::uint32_t {
  block = 0,  // the publisher waits: nothing is lost
  evict = 1,  // the slowest reader is given up, told so, and may join again
  lossy = 2,  // nobody is waited for: a lapped reader is told what it lost
};

[[nodiscard]] const char* to_string(Policy policy) noexcept;

// What comes before what.
enum class Order : std::uint32_t {
  lane = 0,   // each publisher's messages in their own order
  total = 1,  // all messages of the channel in one order, the same for every subscriber
};

[[nodiscard]] const char* to_string(Order order) noexcept;

enum class Pages : std::uint32_t { normal = 0, huge = 1 };

// What a publisher of a durable channel does once its ring is full of messages that the journal has
// not made durable, and the journal cannot (its process died, the disk is full or broken).
enum class WhenJournalFails : std::uint32_t {
  block = 0,    // it waits, as for a reader: nothing is lost
  proceed = 1,  // it overwrites them: counted, and the journal has a gap when it comes back
};

[[nodiscard]] const char* to_string(WhenJournalFails choice) noexcept;

// Which messages are stamped on their way: none; one in each block of `stamp_every`, the same ones
// by everybody; or every one.
enum class Stamps : std::uint32_t { off = 0, sampled = 1, all = 2 };

[[nodiscard]] const char* to_string(Stamps stamps) noexcept;

struct ChannelOptions {
  // Bytes of one lane's ring: a power of two from 4 KiB to 32 GiB. A message takes its length, 8
  // bytes of header, padding to 8, and at most a quarter of the ring.
  std::uint64_t ring_bytes = kRingBytesDefault;

  Policy policy = Policy::block;

  // With Order::total a sequence counts the messages of the whole channel, a batch takes at most
  // 256 of them, and the channel cannot be durable. The order takes memory from the beginning: a
  // seventh of what `lanes_max` rings would take.
  Order order = Order::lane;

  // How many publishers may exist at once, 1 to 256.
  std::uint32_t lanes_max = kLanesDefault;

  // Huge pages need ring_bytes in multiples of 2 MiB and a mounted hugetlbfs; `huge_dir` names it,
  // empty: the first one that is writable.
  Pages pages = Pages::normal;
  std::string huge_dir{};

  // Which NUMA node the rings live on: any, a number, interleaved, that of each lane's publisher,
  // or that of its first subscriber. Strict, and verified: `millrace stat` shows what came of it. A
  // ring that is there before its subscriber moves only if the publisher has CAP_SYS_NICE.
  Placement placement{};

  bool lock = false;             // mlock the ring: no page of it ever goes to swap
  bool prefault = true;          // touch every page when the lane is made, not at its first use
  bool require_readers = false;  // true: publishing while nobody reads is refused (no_readers)

  // Permission bits for owner, group and others, as for a file: who has w may publish, who has r
  // may subscribe. 0600 is this user alone. `group` is a group id, kKeepGroup the creator's.
  std::uint32_t mode = 0600;
  std::uint32_t group = kKeepGroup;

  // Whoever takes part keeps a flight recorder: when the stamped messages were claimed, published,
  // seen, processed, made durable. `millrace trace` and Channel::trace read it, also after its
  // owner was killed. It takes stamp_records * 64 bytes and a page of shared memory.
  Stamps stamps = Stamps::off;
  std::uint32_t stamp_every = 1024;    // a power of two from 1 to 2^20
  std::uint32_t stamp_records = 1024;  // the newest that are kept: a power of two from 64 to 2^20

  // A journal keeps the channel's messages: `journal` is the absolute path of its directory, needed
  // when the channel is created. Room in a ring is free again once its messages are durable, so
  // publishers need the journal to be written: `millrace record CHANNEL --journal DIR`, or a
  // Recorder in any process. Under every policy only readers are overtaken, the journal never is.
  bool durable = false;
  std::string journal{};
  WhenJournalFails when_journal_fails = WhenJournalFails::block;
};

struct PublisherOptions {
  // A named publisher that comes back after a crash or restart continues its lane: same sequence,
  // nothing lost. An unnamed one gets a lane of its own. At most 63 bytes. Durable channels need a
  // name: a journal tells producers by it, also after a reboot.
  std::string name{};

  Wait wait = Wait::automatic;

  std::optional<Stamps> stamps{};  // another choice than the channel's
};

// Passes a message only if (key & mask) == value; a message that does not pass costs one look at
// its header. The default passes everything.
struct KeyFilter {
  std::uint16_t mask = 0;
  std::uint16_t value = 0;

  [[nodiscard]] bool passes(std::uint16_t key) const noexcept { return (key & mask) == value; }
};

// When a subscriber gets a message.
enum class Delivery : std::uint8_t {
  automatic,  // durable on a durable channel, visible on every other
  visible,    // as soon as it is published; a power cut may still take it back
  durable,    // once the channel's journal has it on disk
};

struct SubscriberOptions {
  From from = From::now();
  Wait wait = Wait::automatic;
  KeyFilter filter{};
  Delivery delivery = Delivery::automatic;

  // What others call it: 1 to 63 of A-Z a-z 0-9 . _ -, not beginning with a dot or a dash. On
  // durable channels only, one living subscriber may have its places kept under its name: the next
  // of that name goes on where this one released (`from` says where the very first begins), after a
  // reboot as far as the journal had got to know of it. A message that was polled and not released
  // is delivered again.
  std::string name{};
  bool remember = false;

  // Never waited for, whatever the channel's policy: this reader may be lapped and counts its loss.
  bool lossy = false;

  std::optional<Stamps> stamps{};  // another choice than the channel's

  // true: poll reports Errc::closed once every publisher has left or died and all was read. false:
  // it waits for the next publisher.
  bool until_closed = false;
};

inline constexpr std::chrono::nanoseconds kForever = std::chrono::nanoseconds::max();

}  // namespace millrace
