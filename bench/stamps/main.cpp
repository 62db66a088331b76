// What stamps cost a stream, by interleaved slices: off, sampled or all, against another channel of
// the same kind without stamps. For people who doubt the instruction gate; minutes, not seconds.
//
//   millrace-bench-stamps [--restarts 10] [--seconds 4] [--cpus A,B]
//
// Slices of 10 ms go A B B A; a quad is one ratio of logs. The unit of replication is a restart:
// new channels, hence new mappings. The null is A against A', the same code in its own mapping; a
// tax below the null's interval is not seen.
#include "millrace/bench/student.hpp"
#include "millrace/core/cpu.hpp"
#include "millrace/transport/domain.hpp"
#include "pinning.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <unistd.h>
#include <vector>

namespace millrace::bench {
namespace {

constexpr std::uint64_t kSliceNs = 10'000'000;
constexpr std::array<std::byte, 32> kMessage{};
constexpr double kSide = 0.01;  // 98 %, two-sided

struct Arguments {
  std::uint64_t restarts = 10;
  double seconds = 4;
  std::string cpus;
};

struct Subject {
  const char* name;
  Stamps stamps;
};

// The first is the baseline, the second the same once more: the null.
constexpr std::array<Subject, 4> kSubjects{{
    {"off", Stamps::off},
    {"off'", Stamps::off},
    {"sampled", Stamps::sampled},
    {"all", Stamps::all},
}};

[[noreturn]] void end(std::string_view sentence) {
  std::fprintf(stderr, "millrace-bench-stamps: %.*s\n", static_cast<int>(sentence.size()),
               sentence.data());
  std::exit(2);
}

// Both ends of one channel.
struct Ends {
  Publisher publisher;
  Subscriber subscriber;
};

Ends make_ends(Domain& domain, std::size_t number) {
  ChannelOptions options;
  options.stamps = kSubjects[number].stamps;
  auto channel = domain.create("stream-" + std::to_string(number), options);
  if (!channel) end(channel.error().sentence());
  auto subscriber = channel->subscriber({.wait = Wait::spin});
  auto publisher = channel->publisher({.wait = Wait::spin});
  if (!subscriber) end(subscriber.error().sentence());
  if (!publisher) end(publisher.error().sentence());
  return {std::move(*publisher), std::move(*subscriber)};
}

// One restart: a reader in a thread of its own, and slices of whichever channel's turn it is.
class Restart {
 public:
  Restart(Domain& domain, std::pair<int, int> cpus) : clock_(domain.clock().value()) {
    for (std::size_t i = 0; i < kSubjects.size(); ++i)
      ends_.push_back(make_ends(domain, i));
    reader_ = std::thread([this, cpu = cpus.second] { read(cpu); });
    if (!pin_to(cpus.first)) end("this process may not be pinned to a processor");
    for (std::size_t i = 0; i < kSubjects.size(); ++i)
      static_cast<void>(slice(i));  // faults and caches
  }

  Restart(const Restart&) = delete;
  Restart& operator=(const Restart&) = delete;

  ~Restart() {
    turn_.store(kEnd, std::memory_order_release);  // [sync:bench-turn]
    reader_.join();
  }

  // Nanoseconds a message of `subject` over the baseline, as a ratio of logs.
  double quad(std::size_t subject) {
    const double a = slice(0);
    const double b = slice(subject) + slice(subject);
    baseline_ns_.push_back(a);
    return std::log(b) - std::log(a + slice(0));
  }

  [[nodiscard]] double baseline_ns() const { return quantile(baseline_ns_, 0.5); }

 private:
  static constexpr std::size_t kEnd = ~std::size_t{0};

  double slice(std::size_t number) {
    turn_.store(number, std::memory_order_release);  // [sync:bench-turn]
    Publisher& publisher = ends_[number].publisher;
    const Sequence first = publisher.next_sequence();
    const std::uint64_t begin = clock_.ticks();
    const std::uint64_t until = begin + clock_.duration_ticks(kSliceNs);
    std::uint64_t now = begin;
    for (; now < until; now = clock_.ticks()) {
      for (int i = 0; i < 64; ++i)
        static_cast<void>(publisher.send(kMessage));
    }
    const auto count = static_cast<double>(publisher.next_sequence() - first);
    return static_cast<double>(clock_.duration_ns(now - begin)) / count;
  }

  void read(int cpu) {
    if (!pin_to(cpu)) end("this process may not be pinned to a processor");
    for (;;) {
      // [sync:bench-turn] Acquire: channels before the first turn.
      const std::size_t turn = turn_.load(std::memory_order_acquire);
      if (turn == kEnd) return;
      auto done = ends_[turn].subscriber.poll_each([](const Message&) {});
      if (!done) end(done.error().sentence());
      if (*done == 0) cpu::pause();
    }
  }

  Clock clock_;
  std::vector<Ends> ends_;
  std::atomic<std::size_t> turn_{0};
  std::vector<double> baseline_ns_;
  std::thread reader_;
};

void print(const Subject& subject, const std::vector<double>& restarts, double baseline_ns) {
  double mean = 0;
  for (const double one : restarts)
    mean += one / static_cast<double>(restarts.size());
  double squares = 0;
  for (const double one : restarts)
    squares += (one - mean) * (one - mean);
  const auto freedom = restarts.size() - 1;
  const double spread = freedom == 0 ? 0 : std::sqrt(squares / static_cast<double>(freedom));
  const double half = student_quantile(1 - kSide, freedom) * spread /
                      std::sqrt(static_cast<double>(restarts.size()));
  std::printf("%-8s %+6.2f %%  [%+.2f, %+.2f]  %+.3f ns a message, at most %+.3f\n", subject.name,
              100 * std::expm1(mean), 100 * std::expm1(mean - half), 100 * std::expm1(mean + half),
              baseline_ns * std::expm1(mean), baseline_ns * std::expm1(mean + half));
}

int run(const Arguments& arguments) {
  const auto cpus = choose_cpus(arguments.cpus);
  if (!cpus) end(cpus.error().sentence());
  std::array<std::vector<double>, kSubjects.size()> medians;
  std::vector<double> baselines;
  for (std::uint64_t restart = 0; restart < arguments.restarts; ++restart) {
    const std::string path = "/dev/shm/millrace-bench-stamps-" + std::to_string(getpid());
    auto domain = Domain::open({.path = path});
    if (!domain) end(domain.error().sentence());
    {
      Restart it(*domain, *cpus);
      std::array<std::vector<double>, kSubjects.size()> quads;
      const auto rounds = static_cast<int>(arguments.seconds * 1e9 / (3 * 4 * double{kSliceNs}));
      for (int round = 0; round < std::max(rounds, 1); ++round) {
        for (std::size_t subject = 1; subject < kSubjects.size(); ++subject)
          quads[subject].push_back(it.quad(subject));
      }
      for (std::size_t subject = 1; subject < kSubjects.size(); ++subject)
        medians[subject].push_back(quantile(quads[subject], 0.5));
      baselines.push_back(it.baseline_ns());
    }
    std::filesystem::remove_all(path);
  }
  const double baseline = quantile(baselines, 0.5);
  std::printf("processors %d and %d, %llu restarts of %g s, off: %.2f ns a message\n", cpus->first,
              cpus->second, static_cast<unsigned long long>(arguments.restarts), arguments.seconds,
              baseline);
  for (std::size_t subject = 1; subject < kSubjects.size(); ++subject)
    print(kSubjects[subject], medians[subject], baseline);
  return 0;
}

}  // namespace
}  // namespace millrace::bench

int main(int argc, char** argv) {
  millrace::bench::Arguments arguments;
  CLI::App app("What stamps cost a stream of 32-byte messages", "millrace-bench-stamps");
  app.add_option("--restarts", arguments.restarts, "Units of replication (10)")
      ->check(CLI::Range(2, 1000));
  app.add_option("--seconds", arguments.seconds, "Of each restart (4)")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--cpus", arguments.cpus, "Publisher's and subscriber's processor, as A,B");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return millrace::bench::run(arguments);
}
