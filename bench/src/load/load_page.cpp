#include "load_page.hpp"

#include "../pinning.hpp"
#include "millrace/core/cpu.hpp"
#include "millrace/core/domain_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace millrace::bench {

namespace {

constexpr double kDrainNs = 40e6;  // how long a drain slice should take
constexpr std::uint64_t kDrainMost = 20'000;
constexpr std::uint64_t kDrainLeast = 64;
constexpr double kIdleNs = 40e6;
constexpr double kIdleGapNs = 20'000;
constexpr int kCalibrationRounds = 4;

// About what one message costs the subscriber; only to choose counts by.
double guess_ns(const LoadHandler& handler) {
  if (handler.ns > 0) return handler.ns + 50;
  return static_cast<double>(handler.iterations) + 200;
}

class Slicer {
 public:
  explicit Slicer(const LoadPlan& plan) : plan_(plan) {}

  void add_calibration() {
    const double guess = guess_ns(plan_.handler);
    const std::uint64_t record = (plan_.length_max + 8 + 7) / 8 * 8 + 64;
    // Nobody reads while a ring is filled for a drain.
    const std::uint64_t room = plan_.bare ? BareLane::kSlots : plan_.ring_bytes / record * 3 / 4;
    const auto wanted = static_cast<std::uint64_t>(kDrainNs / guess);
    const std::uint64_t drained =
        std::min(std::clamp(wanted, kDrainLeast, kDrainMost), std::max<std::uint64_t>(room, 1));
    const double gap_ns = std::max(kIdleGapNs, 5 * guess);
    for (int round = 0; round < kCalibrationRounds; ++round) {
      add({SliceKind::drain, 0, {}, drained});
      SlicePlan idle{SliceKind::idle, 0, {}, 0};
      for (double at = gap_ns; at < std::max(kIdleNs, 8 * gap_ns); at += gap_ns)
        idle.due_ns.push_back(static_cast<std::uint64_t>(at));
      add(std::move(idle));
    }
  }

  void add_load(const Schedule& schedule) {
    const auto length_ns = static_cast<std::uint64_t>(plan_.slice_seconds * 1e9);
    const SliceKind kind = plan_.warm ? SliceKind::warm : SliceKind::load;
    for (std::size_t at = 0; at < schedule.size();) {
      const std::uint64_t number = schedule[at] / length_ns;
      SlicePlan slice{number == 0 ? kind : SliceKind::load, 0, {}, 0};
      for (; at < schedule.size() && schedule[at] / length_ns == number; ++at)
        slice.due_ns.push_back(schedule[at] - number * length_ns);
      add(std::move(slice));
      if (plan_.still_seconds > 0) add({SliceKind::still, 0, {}, 0});
    }
  }

  std::vector<SlicePlan> take() { return std::move(slices_); }

 private:
  void add(SlicePlan slice) {
    slice.first = next_;
    if (!slice.due_ns.empty()) slice.count = slice.due_ns.size();
    next_ += slice.count;
    slices_.push_back(std::move(slice));
  }

  const LoadPlan& plan_;
  std::vector<SlicePlan> slices_;
  std::uint64_t next_ = 0;
};

}  // namespace

Result<std::vector<SlicePlan>> plan_slices(const LoadPlan& plan) {
  Slicer slicer(plan);
  const double warm = plan.warm ? plan.slice_seconds : 0;
  const auto schedule =
      make_schedule(plan.shape, plan.recorded,
                    static_cast<std::uint64_t>((plan.seconds + warm) * 1e9), plan.seed);
  if (!schedule) return Failure(schedule.error());
  if (plan.calibrate) slicer.add_calibration();
  slicer.add_load(*schedule);
  return slicer.take();
}

Result<LoadPage> LoadPage::make(const LoadPlan& plan) {
  auto slices = plan_slices(plan);
  if (!slices) return Failure(slices.error());
  LoadPage page;
  page.slices_ = std::move(*slices);
  page.messages_ = page.slices_.back().first + page.slices_.back().count;
  const std::size_t stamps = kStamps * page.messages_ * sizeof(std::uint64_t);
  const std::size_t slice_bytes = page.slices_.size() * sizeof(SliceWords);
  const std::size_t bytes = sizeof(LoadWords) + slice_bytes + 2 * kGapPlaces * sizeof(Gap) + stamps;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail_os(errno, "cannot share %zu bytes for the stamps of %llu messages", bytes,
                   static_cast<unsigned long long>(page.messages_));
  }
  page.words_ = {new (memory) LoadWords(), Unmap{bytes}};
  std::byte* at = static_cast<std::byte*>(memory) + sizeof(LoadWords);
  auto* const slice_words = new (at) SliceWords[page.slices_.size()];
  page.slice_words_ = {slice_words, page.slices_.size()};
  at += slice_bytes;
  page.gaps_ = {new (at) Gap[2 * kGapPlaces](), 2 * kGapPlaces};
  at += 2 * kGapPlaces * sizeof(Gap);
  page.all_stamps_ = {new (at) std::uint64_t[kStamps * page.messages_](), kStamps* page.messages_};
  return page;
}

void LoadPage::Unmap::operator()(LoadWords* words) const noexcept {
  munmap(words, bytes);
}

int give_up_as(ProcessWords& words, const Error& error) noexcept {
  const std::size_t length = std::min(error.sentence().size(), words.sentence.size() - 1);
  std::memcpy(words.sentence.data(), error.sentence().data(), length);
  // [sync:load-failed] Release. Without it the parent could print half a sentence.
  words.failed.store(static_cast<std::uint32_t>(error.code()), std::memory_order_release);
  return 1;
}

void await_ready(const ProcessWords& words) noexcept {
  // [sync:load-ready] Acquire: what it made is there.
  while (words.ready.load(std::memory_order_acquire) == 0)
    usleep(100);
}

void relax(const LoadCpus& cpus) noexcept {
  if (cpus.apart()) {
    cpu::pause();
  } else {
    sched_yield();
  }
}

Result<Clock> settle_load_process(const LoadPlan& plan, int cpu) {
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  if (cpu >= 0 && !pin_to(cpu)) return fail_os(errno, "cannot keep a process on CPU %d", cpu);
  const auto directory = DomainDirectory::open(plan.domain, false);
  if (!directory) return Failure(directory.error());
  return Clock::open(directory->fd());
}

}  // namespace millrace::bench
