#include "one_processor_rows.hpp"

#include "channel_ends.hpp"
#include "child.hpp"
#include "millrace/core/futex.hpp"
#include "timed_loops.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <vector>

namespace millrace::bench {

namespace {

constexpr std::size_t kMost = 8;
constexpr std::uint64_t kRounds = 16;  // of a slice, each a sub-slice
constexpr std::uint64_t kLast = std::uint64_t{1} << 63;
constexpr std::size_t kRestarts = 10;
constexpr std::size_t kPairsMax = 4096;
constexpr std::uint64_t kBoundNs = 1'000'000'000;

struct Slot {
  alignas(256) std::atomic<std::uint32_t> word{0};
};

struct Page {
  std::array<Slot, kMost> slots{};
  std::atomic<std::uint32_t> ready{0};
  std::array<double, kPairsMax> bare_ns{};  // a hop, by slice
  std::array<double, kPairsMax> millrace_ns{};
  std::size_t pairs = 0;
};

// One of the circle. Number 0 begins every round.
class Member {
 public:
  Member(Page& page, const std::string& directory, std::size_t number, std::size_t count)
      : page_(page),
        number_(number),
        count_(count),
        domain_([&] {
          DomainOptions options;
          options.path = directory;
          return must(Domain::open(options));
        }()),
        subscriber_(make_subscriber(domain_, plan_of(number))),
        publisher_(make_publisher(domain_, plan_of((number + 1) % count))) {
    page_.ready.fetch_add(1, std::memory_order_acq_rel);          // [sync:bench-ready]
    while (page_.ready.load(std::memory_order_acquire) != count)  // [sync:bench-ready]
      usleep(100);
  }

  // Passes on what comes, slice by slice, until a message says that it is the last.
  void pass_on() noexcept {
    for (;;) {
      for (std::uint64_t round = 0; round < kRounds; ++round) {
        await_word();
        raise_word();
      }
      for (std::uint64_t round = 0; round < kRounds; ++round) {
        const std::uint64_t message = receive();
        send(message);
        if ((message & kLast) != 0) return;
      }
    }
  }

  // Number 0: pairs of slices for `seconds`.
  void lead(double seconds) noexcept {
    const auto began = SliceClock::now();
    for (bool last = false; !last;) {
      page_.bare_ns[page_.pairs] = slice([this](std::uint64_t) {
        raise_word();
        await_word();
      });
      last = ns_since(began) > seconds * 1e9 || page_.pairs + 1 == kPairsMax;
      page_.millrace_ns[page_.pairs++] = slice([&](std::uint64_t round) {
        send(last && round + 1 == kRounds ? kLast : round);
        (void)receive();
      });
    }
  }

 private:
  static ChannelPlan plan_of(std::size_t number) {
    return {.name = "one-" + std::to_string(number), .wait = Wait::automatic};
  }

  template <class Round>
  double slice(Round round) noexcept {
    Stamps stamps;
    for (std::uint64_t number = 0; number < kRounds; ++number) {
      const auto began = SliceClock::now();
      round(number);
      stamps.add(ns_since(began), count_);
    }
    return stamps.timing(0).median_ns;
  }

  void await_word() noexcept {
    auto& word = page_.slots[number_].word;
    // [sync:bench-futex] Acquire.
    while (word.load(std::memory_order_acquire) == seen_)
      (void)futex_wait(&word, seen_, kBoundNs);
    ++seen_;
  }

  void raise_word() noexcept {
    auto& word = page_.slots[(number_ + 1) % count_].word;
    word.store(++raised_, std::memory_order_release);  // [sync:bench-futex]
    (void)futex_wake(&word, 1);
  }

  std::uint64_t receive() noexcept {
    auto message = subscriber_.poll();
    if (!message) [[unlikely]]
      give_up(message.error());
    return count_of(message->bytes().data());
  }

  void send(std::uint64_t value) noexcept {
    std::array<std::byte, kStreamBytes> message{};
    put_count(message.data(), value);
    const auto sent = publisher_.send(message);
    if (!sent) [[unlikely]]
      give_up(sent.error());
  }

  Page& page_;
  std::size_t number_;
  std::size_t count_;
  Domain domain_;
  Subscriber subscriber_;
  Publisher publisher_;
  std::uint32_t seen_ = 0;
  std::uint32_t raised_ = 0;
};

// The median over one restart's slices of ln(millrace / bare around it). Nothing if it failed.
std::optional<double> restart(const SoloPlan& plan, std::size_t count, double seconds,
                              std::vector<double>& hop_ns) {
  auto page = SharedPiece<Page>::make();
  if (!page) return std::nullopt;
  const std::string directory = plan.directory + "/one";
  const int cpu = plan.pinned ? plan.cpus[0] : -1;
  std::vector<Child> members;
  for (std::size_t number = 0; number < count; ++number) {
    members.push_back(Child::run(cpu, [&] {
      Member member(**page, directory, number, count);
      if (number == 0)
        member.lead(seconds);
      else
        member.pass_on();
    }));
  }
  bool well = true;
  for (Child& member : members)
    well = member.ended_well() && well;
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  if (!well) return std::nullopt;
  std::vector<double> logs;
  for (std::size_t pair = 0; pair + 1 < (*page)->pairs; ++pair) {
    const Page& seen = **page;
    hop_ns.push_back(seen.millrace_ns[pair]);
    logs.push_back(log_ratio(seen.millrace_ns[pair], seen.bare_ns[pair], seen.bare_ns[pair + 1]));
  }
  return median(logs);
}

void fill(const SoloPlan& plan, Row& row, std::size_t count) {
  std::vector<double> logs;
  std::vector<double> hop_ns;
  for (std::size_t number = 0; number < kRestarts; ++number) {
    const auto one = restart(plan, count, plan.seconds / kRestarts, hop_ns);
    if (!one) {
      row.invalid = "a process of this row failed";
      return;
    }
    logs.push_back(*one);
  }
  row.kept = row.all = estimate(logs, hop_ns.size());
  row.baseline = "bare futex, as many processes on one processor";
  row.value = median(hop_ns);
  if (!plan.pinned) row.marks.emplace_back("not pinned: on several processors, perhaps");
}

}  // namespace

void two_on_one_processor(const SoloPlan& plan, Row& row) {
  fill(plan, row, 2);
}

void four_on_one_processor(const SoloPlan& plan, Row& row) {
  fill(plan, row, 4);
}

void eight_on_one_processor(const SoloPlan& plan, Row& row) {
  fill(plan, row, 8);
}

}  // namespace millrace::bench
