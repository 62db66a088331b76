// The page that `millrace run` shares with the processes it starts: the settings, the steps they
// take together, their counters while they run, and their results. It is memory without a name, so
// nothing of it outlives them. Both ends are the same program, so its layout is nobody else's
// affair.
//
// The parent raises `phase`; each child answers by storing that phase in its own `reached` once it
// has done what the phase asks. Plain fields of a child's words are its results: the parent reads
// them only after `reached`, or not at all if the child died.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/histogram_layout.hpp"
#include "millrace/core/limits.hpp"
#include "millrace/core/result.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace::tools {

// What everybody does until the next one is raised.
enum class RunPhase : std::uint32_t {
  start,
  place,        // open the domain, make the publisher or subscriber, say so
  bare_before,  // publisher 0 and subscriber 0 play bare ping-pong, the others wait
  listen,       // subscribers begin to poll
  publish,      // publishers publish to the end, subscribers read to the end
  bare_after,
  leave,
};

enum class RunStop : std::uint32_t { none, publishing, everything };

// How a publisher's lane ended, for subscribers that ask whether more will come.
enum class LaneEnd : std::uint32_t { open, complete, died };

inline constexpr std::uint32_t kNoLane = ~std::uint32_t{0};
inline constexpr std::size_t kPathBytesMax = 4096;

// Written by the parent before any child exists.
struct RunSettings {
  std::int32_t parent_pid;
  std::uint32_t publishers;
  std::uint32_t subscribers;
  std::uint32_t policy;
  std::uint32_t order;
  std::uint32_t wait;
  std::uint32_t telemetry;  // else a file
  std::uint32_t plant;      // tests: subscriber 0 misreads its first message
  double rate;              // messages a second and publisher; 0: as fast as possible
  std::uint64_t repeat;
  std::uint64_t input_bytes;
  std::uint64_t input_lines;
  std::uint32_t durable;       // the channel is; a recorder runs
  std::uint32_t stamp_shift;   // of a durable run: every 2^n-th message is stamped in the page
  std::uint32_t stamp_places;  // of each lane, a power of two; 0: stamps travel in the messages
  std::array<char, kPathBytesMax> domain;
  std::array<char, kNameBytes> channel;
};

// When a message was published. It lies beside the message and not in it, so that a journal holds
// the input and nothing else.
struct StampWord {
  std::atomic<std::uint64_t> sequence;  // + 1; 0: none
  std::atomic<std::uint64_t> ticks;
};

// What the parent tells the recorder of JournalOptions.
struct JournalPage {
  std::array<char, kPathBytesMax> directory;
  std::uint64_t segment_bytes;
  std::uint64_t retain_bytes;
  std::int64_t retain_age_ns;
  std::uint32_t retain_acknowledged;
};

// What every child has.
struct alignas(kFalseSharingBytes) ChildWords {
  std::atomic<std::uint32_t> reached;  // the RunPhase it has completed
  std::atomic<std::uint32_t> failed;   // 0, or the Errc that `sentence` explains
  std::uint32_t at_setup;              // it failed before it was in place
  std::int32_t cpu;                    // set by the parent: stay on it; -1: anywhere
  std::int32_t bare_cpu;               // the same for the bare ping-pong; -1: it does not play
  std::array<char, Error::kSentenceBytes> sentence;
  std::uint64_t bare_p50_ns[2];  // publisher 0: before and after; 0 if not measured
};

// The recorder of a durable run.
struct alignas(kFalseSharingBytes) RecorderWords {
  ChildWords child;
  std::atomic<std::uint32_t> gone;  // it has died: what is not durable by now never will be
  std::uint64_t messages;
  std::uint64_t record_bytes;   // as they lie in the rings
  std::uint64_t written_bytes;  // with headers and padding
  std::uint64_t batches;
  std::uint64_t flushes;
  std::uint64_t flush_ns[4];  // p50, p99, p99.9, max
  std::array<char, 256> device;
  JournalPage journal;
};

struct alignas(kFalseSharingBytes) PublisherWords {
  ChildWords child;
  alignas(kFalseSharingBytes) std::atomic<std::uint64_t> published;
  std::atomic<std::uint64_t> bytes;  // payload
  std::atomic<std::uint32_t> end;    // LaneEnd
  std::uint32_t lane;                // kNoLane until it has one
  std::uint64_t checksum;
  std::uint64_t first_ns;  // CLOCK_MONOTONIC of the first and the last publish
  std::uint64_t last_ns;
};

struct alignas(kFalseSharingBytes) SubscriberWords {
  ChildWords child;
  alignas(kFalseSharingBytes) std::atomic<std::uint64_t> received;
  std::atomic<std::uint64_t> lost;
  std::uint64_t transport_lost;  // what the transport itself counted
  std::uint64_t last_ns;         // CLOCK_MONOTONIC of the last message
  layout::HistogramBytes latency;
};

// What one subscriber made of one lane.
struct LaneTally {
  std::uint64_t received;
  std::uint64_t bytes;
  std::uint64_t lost;
  std::uint64_t wrong;     // the message's own seal does not fit, or it is too short for its frame
  std::uint64_t repeated;  // a sequence seen before
  std::uint64_t checksum;
};

struct RunHeader {
  std::uint64_t bytes;  // of the whole page
  RunSettings settings;
  alignas(kFalseSharingBytes) std::atomic<std::uint32_t> phase;
  std::atomic<std::uint32_t> stop;               // RunStop
  std::atomic<std::uint32_t> lanes_ended;        // hint: look at every publisher's `end`
  alignas(256) std::atomic<std::uint64_t> ping;  // the bare words: 256 bytes apart
  alignas(256) std::atomic<std::uint64_t> pong;
  RecorderWords recorder;
};

// Maps the page. Thread rules: as of the words it gives out.
class RunPage {
 public:
  // `stamp_places`: see RunSettings.
  [[nodiscard]] static Result<RunPage> create(std::uint32_t publishers, std::uint32_t subscribers,
                                              std::uint32_t stamp_places);
  [[nodiscard]] static Result<RunPage> attach(int fd);

  RunPage(RunPage&& other) noexcept;
  RunPage& operator=(RunPage&&) = delete;
  ~RunPage();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  [[nodiscard]] RunHeader& header() const noexcept { return *reinterpret_cast<RunHeader*>(base_); }

  [[nodiscard]] const RunSettings& settings() const noexcept { return header().settings; }

  [[nodiscard]] PublisherWords& publisher(std::uint32_t number) const noexcept;
  [[nodiscard]] SubscriberWords& subscriber(std::uint32_t number) const noexcept;
  [[nodiscard]] LaneTally& tally(std::uint32_t subscriber, std::uint32_t lane) const noexcept;

  // REQUIRES a durable run, and a lane below the number of publishers.
  [[nodiscard]] StampWord& stamp(std::uint32_t lane, std::uint64_t sequence) const noexcept;

  [[nodiscard]] RunPhase phase() const noexcept;
  void raise(RunPhase phase) const noexcept;

  [[nodiscard]] RunStop stop() const noexcept;
  void order(RunStop stop) const noexcept;

 private:
  RunPage(Descriptor fd, std::byte* base, std::size_t bytes) noexcept;

  Descriptor fd_;
  std::byte* base_;
  std::size_t bytes_;
};

// A child's answer, and the parent's look at it.
void reach(ChildWords& child, RunPhase phase) noexcept;
[[nodiscard]] bool has_reached(const ChildWords& child, RunPhase phase) noexcept;

// Leaves the sentence for the parent. The first one counts.
void leave_word(ChildWords& child, const Error& error) noexcept;

}  // namespace millrace::tools
