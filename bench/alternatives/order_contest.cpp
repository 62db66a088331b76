#include "order_contest.hpp"

#include "intent_log.hpp"
#include "lane_log.hpp"
#include "millrace/bench/slice_statistics.hpp"
#include "pinning.hpp"
#include "plain_log.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <new>
#include <random>
#include <sched.h>
#include <signal.h>
#include <span>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace millrace::alternatives {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kRing = std::uint64_t{256} << 10;  // bytes for each producer, in every log
constexpr std::size_t kMessage = 32;
constexpr std::uint32_t kBatchMax = 16;
constexpr std::uint64_t kTrips = 400;
constexpr double kSliceNs = 2e6;
constexpr double kSharedSliceNs = 30e6;  // producers that share a processor take turns in it

// What the processes tell each other. Every word has its line.
struct Page {
  struct alignas(128) Word {
    std::atomic<std::uint64_t> value{0};
  };

  Word turn;      // number of the order that is given
  Word what;      // Log, or kBare, or kQuit
  Word messages;  // for each producer
  Word done;      // producers that have obeyed
  Word pushed;    // times that one was pushed off its processor meanwhile
  Word ping;
  Word pong;
};

constexpr std::uint64_t kBare = 100;
constexpr std::uint64_t kQuit = 101;

// Memory of all logs of one restart.
struct Ground {
  SharedRing plain;
  SharedRing again;
  SharedRing intent;
  std::vector<SharedRing> lanes;
  std::byte* order = nullptr;
  std::size_t order_bytes = 0;
  Page* page = nullptr;

  Ground() = default;
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  ~Ground() {
    if (order != nullptr) munmap(order, order_bytes);
    if (page != nullptr) munmap(page, sizeof(Page));
  }
};

std::byte* share(std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

Result<void> take(Result<SharedRing> made, SharedRing& to) {
  if (!made) return Failure(made.error());
  to = std::move(*made);
  return {};
}

Result<void> prepare(Ground& ground, std::uint32_t producers) {
  const std::uint64_t all = std::bit_ceil(producers) * kRing;
  auto made = take(SharedRing::make(PlainLog::kControlBytes, all), ground.plain);
  if (made) made = take(SharedRing::make(PlainLog::kControlBytes, all), ground.again);
  if (made) made = take(SharedRing::make(IntentLog::control_bytes(all), all), ground.intent);
  ground.lanes.resize(producers);
  for (SharedRing& lane : ground.lanes) {
    if (made) made = take(SharedRing::make(LaneLog::kControlBytes, kRing), lane);
  }
  ground.order_bytes = LaneLog::order_bytes(producers, kRing);
  ground.order = share(ground.order_bytes);
  std::byte* const page = share(sizeof(Page));
  if (page != nullptr) ground.page = new (page) Page();
  if (made && (page == nullptr || ground.order == nullptr)) {
    return fail_os(errno, "cannot share memory for a contest");
  }
  return made;
}

// One producer with its end of every log.
class Runner {
 public:
  Runner(const Ground& ground, const Contest& contest, std::uint32_t number, RingMaps plain,
         RingMaps again, RingMaps intent, RingMaps lane)
      : page_(*ground.page),
        contest_(contest),
        number_(number),
        maps_{std::move(plain), std::move(again), std::move(intent), std::move(lane)},
        plain_(maps_[0]),
        again_(maps_[1]),
        intent_(maps_[2], contest.producers),
        lanes_(maps_[3], ground.order, number, contest.producers) {
    plain_.run_free();
    again_.run_free();
  }

  static Result<Runner> make(const Ground& ground, const Contest& contest, std::uint32_t number) {
    auto plain = ground.plain.map();
    auto again = ground.again.map();
    auto intent = ground.intent.map();
    auto lane = ground.lanes[number].map();
    for (const auto* one : {&plain, &again, &intent, &lane}) {
      if (!*one) return Failure(one->error());
    }
    return Runner(ground, contest, number, std::move(*plain), std::move(*again), std::move(*intent),
                  std::move(*lane));
  }

  void obey(std::uint64_t what, std::uint64_t messages) noexcept {
    const std::uint64_t before = times_pushed();
    if (what == kBare) {
      play();
    } else {
      publish(static_cast<Log>(what), messages);
    }
    page_.pushed.value.fetch_add(times_pushed() - before);
    // [sync:contest-done] Sequentially consistent: what was published comes before.
    page_.done.value.fetch_add(1, std::memory_order_seq_cst);
  }

 private:
  // How often somebody else was given our processor.
  static std::uint64_t times_pushed() noexcept {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return static_cast<std::uint64_t>(usage.ru_nivcsw);
  }

  void publish(Log log, std::uint64_t messages) noexcept {
    switch (log) {
      case Log::plain: return repeat(messages, [&](auto batch) { plain_.publish(batch); });
      case Log::again: return repeat(messages, [&](auto batch) { again_.publish(batch); });
      case Log::lanes: return repeat(messages, [&](auto batch) { lanes_.publish(batch); });
      case Log::intent: return repeat(messages, [&](auto batch) { publish_or_yield(batch); });
    }
  }

  // Who waits for a producer that another one has pushed off its processor gives it up.
  void publish_or_yield(std::span<const Message> batch) noexcept {
    while (!intent_.try_publish(number_, batch)) {
      if (contest_.producers > 2) sched_yield();
    }
  }

  template <class Publish>
  void repeat(std::uint64_t messages, Publish publish) noexcept {
    std::array<Message, kBatchMax> all;
    for (std::size_t at = 0; at < kBatchMax; ++at)
      all[at] = Message(bytes_[at]);
    const std::span batch(all.data(), contest_.batch);
    for (std::uint64_t sent = 0; sent < messages; sent += contest_.batch) {
      for (std::uint32_t each = 0; each < contest_.batch; ++each)
        std::memcpy(bytes_[each].data(), &sent, sizeof sent);
      publish(batch);
    }
  }

  // The first two play ping-pong.
  void play() noexcept {
    if (number_ > 1) return;
    auto& mine = number_ == 0 ? page_.ping.value : page_.pong.value;
    auto& theirs = number_ == 0 ? page_.pong.value : page_.ping.value;
    std::uint64_t turn = mine.load(std::memory_order_relaxed);
    for (std::uint64_t trip = 0; trip < kTrips; ++trip) {
      ++turn;
      // [sync:contest-ball] Release and acquire, as every subject of the bench.
      if (number_ == 0) mine.store(turn, std::memory_order_release);
      // [sync:contest-ball] Acquire: see above.
      while (theirs.load(std::memory_order_acquire) < turn) {
      }
      // [sync:contest-ball] Release: see above.
      if (number_ != 0) mine.store(turn, std::memory_order_release);
    }
  }

  Page& page_;
  const Contest& contest_;
  std::uint32_t number_;
  std::array<RingMaps, 4> maps_;
  PlainLog plain_;
  PlainLog again_;
  IntentLog intent_;
  LaneLog lanes_;
  std::array<std::array<std::byte, kMessage>, kBatchMax> bytes_{};
};

[[noreturn]] void follow(const Ground& ground, const Contest& contest, std::uint32_t number) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Page& page = *ground.page;
  const int cpu = number % 2 == 0 ? contest.cpus.first : contest.cpus.second;
  auto runner = Runner::make(ground, contest, number);
  if (!runner || !bench::pin_to(cpu)) _exit(1);
  page.done.value.fetch_add(1);
  for (std::uint64_t turn = 1;; ++turn) {
    // [sync:contest-turn] Acquire: the order that the leader wrote before it.
    while (page.turn.value.load(std::memory_order_acquire) < turn) {
      if (contest.producers > 2) sched_yield();
    }
    const std::uint64_t what = page.what.value.load(std::memory_order_relaxed);
    if (what == kQuit) _exit(0);
    runner->obey(what, page.messages.value.load(std::memory_order_relaxed));
  }
}

class Leader {
 public:
  Leader(const Ground& ground, const Contest& contest, Runner& runner)
      : page_(*ground.page), contest_(contest), runner_(runner) {
    per_message_ns_.fill(200);
  }

  // Between slices of the baseline, each of the others once, in random order.
  void round(std::vector<Slice>& slices, std::mt19937_64& random) {
    std::array others{Log::again, Log::lanes, Log::intent};
    std::ranges::shuffle(others, random);
    const double bare_ns =
        contest_.producers == 1 ? 0 : order(kBare, 0) / static_cast<double>(kTrips);
    Timed before = slice(Log::plain);
    for (const Log log : others) {
      const Timed subject = slice(log);
      const Timed after = slice(Log::plain);
      // Producers that share a processor are pushed off it all the time.
      const bool whole = contest_.producers > 2 || (before.whole && subject.whole && after.whole);
      slices.push_back({log, subject.ns, before.ns, after.ns, bare_ns, whole});
      before = after;
    }
  }

  void quit() noexcept {
    page_.what.value.store(kQuit, std::memory_order_relaxed);
    page_.turn.value.fetch_add(1);
  }

 private:
  struct Timed {
    double ns;   // a message
    bool whole;  // nobody was pushed off its processor
  };

  // All of them at once; how long it took, in ns.
  double order(std::uint64_t what, std::uint64_t messages) noexcept {
    page_.what.value.store(what, std::memory_order_relaxed);
    page_.messages.value.store(messages, std::memory_order_relaxed);
    page_.done.value.store(0, std::memory_order_relaxed);
    page_.pushed.value.store(0, std::memory_order_relaxed);
    const auto began = Clock::now();
    // [sync:contest-turn] Sequentially consistent: the order above is seen by who sees the turn.
    page_.turn.value.fetch_add(1, std::memory_order_seq_cst);
    runner_.obey(what, messages);
    // [sync:contest-done] Acquire: all that they published is there.
    while (page_.done.value.load(std::memory_order_acquire) < contest_.producers) {
      if (contest_.producers > 2) sched_yield();
    }
    return std::chrono::duration<double, std::nano>(Clock::now() - began).count();
  }

  // The count follows from the slice before.
  Timed slice(Log log) noexcept {
    double& last_ns = per_message_ns_[static_cast<std::size_t>(log)];
    const double wanted_ns = contest_.producers > 2 ? kSharedSliceNs : kSliceNs;
    const double each = wanted_ns / last_ns / contest_.producers;
    const std::uint64_t publishes = static_cast<std::uint64_t>(each) / contest_.batch + 1;
    const std::uint64_t messages = publishes * contest_.batch;
    const double ns = order(static_cast<std::uint64_t>(log), messages) /
                      static_cast<double>(messages * contest_.producers);
    const bool whole = page_.pushed.value.load() == 0;
    if (whole || contest_.producers > 2) last_ns = ns;
    return {ns, whole};
  }

  Page& page_;
  const Contest& contest_;
  Runner& runner_;
  std::array<double, kLogs> per_message_ns_{};
};

Result<std::vector<Slice>> lead(const Ground& ground, const Contest& contest, std::uint64_t seed) {
  auto runner = Runner::make(ground, contest, 0);
  if (!runner) return Failure(runner.error());
  if (!bench::pin_to(contest.cpus.first)) return fail_os(errno, "cannot pin a producer");
  const auto patience = Clock::now() + std::chrono::seconds(10);
  while (ground.page->done.value.load() < contest.producers - 1) {
    if (Clock::now() > patience) return fail(Errc::system, "a producer of the contest never came");
    sched_yield();
  }
  Leader leader(ground, contest, *runner);
  std::mt19937_64 random(seed);
  std::vector<Slice> slices;
  const auto until = Clock::now() + std::chrono::duration<double>(contest.seconds);
  while (Clock::now() < until)
    leader.round(slices, random);
  leader.quit();
  return slices;
}

}  // namespace

Result<std::vector<Slice>> run_contest(const Contest& contest, std::uint64_t seed) {
  Ground ground;
  if (auto made = prepare(ground, contest.producers); !made) return Failure(made.error());
  std::vector<pid_t> children;
  for (std::uint32_t number = 1; number < contest.producers; ++number) {
    const pid_t child = fork();
    if (child == 0) follow(ground, contest, number);
    children.push_back(child);
  }
  auto slices = lead(ground, contest, seed);
  bool well = true;
  for (const pid_t child : children) {
    int status = 0;
    if (!slices) kill(child, SIGKILL);
    waitpid(child, &status, 0);
    well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  if (slices && !well) return fail(Errc::system, "a producer of the contest ended early");
  return slices;
}

}  // namespace millrace::alternatives
