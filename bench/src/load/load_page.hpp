// What the processes of one measured run share: memory without a name, made before they part.
//
// The publisher leads: it gives orders, times the bare slices and says when a slice is published.
// The subscriber follows. Stamps are raw ticks; each array has one writer.
#pragma once

#include "../grounds.hpp"
#include "../machine.hpp"
#include "millrace/bench/load_evidence.hpp"
#include "millrace/bench/load_plan.hpp"
#include "millrace/core/result.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace millrace::bench {

// A slice to come: which messages, and when they are due after its beginning.
struct SlicePlan {
  SliceKind kind = SliceKind::load;
  std::uint64_t first = 0;
  std::vector<std::uint64_t> due_ns;  // empty for a drain, whose messages are due at once
  std::uint64_t count = 0;
};

// Calibration, a warm slice, then the load cut into slices. Error bad_argument: too many messages.
[[nodiscard]] Result<std::vector<SlicePlan>> plan_slices(const LoadPlan& plan);

// What one process says of itself, and when it cannot go on.
struct ProcessWords {
  std::atomic<std::uint32_t> ready{0};
  std::atomic<std::uint32_t> failed{0};  // Errc of `sentence`
  std::array<char, Error::kSentenceBytes> sentence{};
  std::uint64_t gaps = 0;
  std::uint64_t gaps_lost = 0;
  std::uint64_t first_ns = 0;  // CLOCK_MONOTONIC of its first and last message of the load
  std::uint64_t last_ns = 0;
};

// The least that can carry messages: a word that says "there", and the bytes beside it. It checks
// nothing, survives nobody's death, and has one reader: the control row.
struct BareLane {
  static constexpr std::size_t kSlots = 4096;
  static constexpr std::size_t kBytes = 48;

  struct alignas(64) Slot {
    std::atomic<std::uint64_t> number{0};  // of its message, from 1
    std::uint64_t length = 0;
    std::array<std::byte, kBytes> bytes{};
  };

  std::array<Slot, kSlots> slots;
};

struct LoadWords {
  enum class What : std::uint64_t { bare = 1, slice = 2, quit = 3 };

  alignas(256) std::atomic<std::uint64_t> order{0};  // number << 2 | What
  std::atomic<std::uint64_t> argument{0};            // trips of bare, number of a slice
  alignas(256) std::atomic<std::uint64_t> done{0};   // the order that the subscriber has obeyed
  alignas(256) std::atomic<std::uint64_t> published_slices{0};
  alignas(256) std::atomic<std::uint32_t> stop_recorder{0};
  ProcessWords publisher;
  ProcessWords subscriber;
  ProcessWords recorder;
  LoadCounts counts;  // each field by the process that LoadCounts names
  std::uint64_t origin_ticks = 0;
  double enqueue_ns = 0;
  std::array<char, 256> device{};
  BareWords bare;
  alignas(256) std::atomic<std::uint64_t> bare_taken{0};  // messages over bare words so far
  BareLane bare_lane;
};

struct SliceWords {
  double bare_before_ns = 0;
  double bare_after_ns = 0;
  std::uint64_t begin_ticks = 0;
  std::uint64_t end_ticks = 0;
  SliceNoise publisher;
  SliceNoise subscriber;
  CpuTicks stolen;
};

class LoadPage {
 public:
  static constexpr std::size_t kGapPlaces = std::size_t{1} << 18;

  // For this plan, all memory touched. Error: no_space.
  [[nodiscard]] static Result<LoadPage> make(const LoadPlan& plan);

  [[nodiscard]] const std::vector<SlicePlan>& slices() const noexcept { return slices_; }

  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }

  LoadWords& words() const noexcept { return *words_; }

  [[nodiscard]] std::span<SliceWords> slice_words() const noexcept { return slice_words_; }

  enum class Stamp : std::uint8_t { intended, began, published, visible, processed, durable };

  [[nodiscard]] std::span<std::uint64_t> stamps(Stamp which) const noexcept {
    return all_stamps_.subspan(static_cast<std::size_t>(which) * messages_, messages_);
  }

  [[nodiscard]] std::span<Gap> publisher_gaps() const noexcept { return gaps_.first(kGapPlaces); }

  [[nodiscard]] std::span<Gap> subscriber_gaps() const noexcept { return gaps_.last(kGapPlaces); }

 private:
  static constexpr std::size_t kStamps = 6;

  struct Unmap {
    std::size_t bytes;  // initialised by whoever owns it: an initialiser here would come too late
    void operator()(LoadWords* words) const noexcept;
  };

  std::vector<SlicePlan> slices_;
  std::uint64_t messages_ = 0;
  std::unique_ptr<LoadWords, Unmap> words_;
  std::span<SliceWords> slice_words_;
  std::span<std::uint64_t> all_stamps_;
  std::span<Gap> gaps_;
};

// The life of each child, from its fork on; the exit code.
int live_as_load_publisher(const LoadPlan& plan, const LoadPage& page, const std::string& channel);
int live_as_load_subscriber(const LoadPlan& plan, const LoadPage& page, const std::string& channel);
int live_as_load_recorder(const LoadPlan& plan, const LoadPage& page, const std::string& channel);

// Leaves the reason behind and returns the exit code of a child that cannot go on.
int give_up_as(ProcessWords& words, const Error& error) noexcept;

// Waits until the other process is ready; false once it cannot be any more (this one then dies
// with the parent).
void await_ready(const ProcessWords& words) noexcept;

// One processor for one loop, if there are enough; else others must run, too.
void relax(const LoadCpus& cpus) noexcept;

// Pins this thread and opens the clock of the plan's domain.
[[nodiscard]] Result<Clock> settle_load_process(const LoadPlan& plan, int cpu);

}  // namespace millrace::bench
