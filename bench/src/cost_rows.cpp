#include "cost_rows.hpp"

#include "channel_ends.hpp"
#include "child.hpp"
#include "step_counter.hpp"
#include "timed_loops.hpp"

#include <filesystem>

namespace millrace::bench {

namespace {

constexpr std::uint64_t kCounted = 512;  // messages; a multiple of a batch, well within the ring

struct Cost {
  double instructions = 0;
  double lines = 0;
};

using Receiver = ChannelReceiver<OneSize<kStreamBytes>, Plant::none>;
using ClaimSender = ChannelSender<OneSize<kStreamBytes>, Plant::none>;

template <class Sender>
void send_all(Sender& sender, bool lines) noexcept {
  alignas(64) std::byte message[kStreamBytes] = {};
  for (std::uint64_t i = 0; i < kCounted; ++i) {
    sender.send(message);
    if (lines) next_message();
  }
}

void take_all(Receiver& receiver, bool lines) noexcept {
  alignas(64) std::byte message[kStreamBytes] = {};
  for (std::uint64_t i = 0; i < kCounted; ++i) {
    (void)receiver.take(message);
    keep(message);
    if (lines) next_message();
  }
}

void drain_all(Receiver& receiver, bool lines) noexcept {
  alignas(64) std::byte copy[kStreamBytes];
  const auto sink = [&](const std::byte* message, std::size_t length) {
    std::memcpy(copy, message, length);
    keep(copy);
    if (lines) next_message();
  };
  for (std::uint64_t done = 0; done < kCounted;)
    done += receiver.drain(sink, kCounted - done);
}

// `work(lines)` handles kCounted messages; `restore()` makes it possible once more.
template <class Work, class Restore>
Cost cost_of(const std::string& directory, Work work, Restore restore) {
  work(false);  // code and pages are touched
  restore();
  begin_steps();
  work(false);
  const std::uint64_t steps = end_steps();
  restore();
  begin_lines(directory);
  work(true);
  const std::uint64_t lines = end_lines();
  return {static_cast<double>(steps) / kCounted, static_cast<double>(lines) / kCounted};
}

Domain open_domain(const std::string& directory) {
  DomainOptions options;
  options.path = directory;
  return must(Domain::open(options));
}

// Both ends in one process: the two sides are counted one after the other.
template <class Sender>
Cost cost_of_sending(const std::string& directory, std::atomic<std::uint64_t>& line) {
  Domain domain = open_domain(directory);
  Receiver receiver(make_subscriber(domain, {.name = "cost"}), line);
  Sender sender = [&] {
    auto publisher = make_publisher(domain, {.name = "cost"});
    if constexpr (std::is_constructible_v<Sender, Publisher>)
      return Sender(std::move(publisher));
    else
      return Sender(std::move(publisher), line);
  }();
  return cost_of(
      directory, [&](bool lines) { send_all(sender, lines); }, [&] { drain_all(receiver, false); });
}

template <class Take>
Cost cost_of_taking(const std::string& directory, std::atomic<std::uint64_t>& line, Take take) {
  Domain domain = open_domain(directory);
  Receiver receiver(make_subscriber(domain, {.name = "cost"}), line);
  ClaimSender sender(make_publisher(domain, {.name = "cost"}), line);
  send_all(sender, false);
  return cost_of(
      directory, [&](bool lines) { take(receiver, lines); }, [&] { send_all(sender, false); });
}

template <class Count>
void fill(const SoloPlan& plan, Row& row, Count count) {
  if (!steps_countable()) {
    row.invalid = "instructions are counted on x86-64 without sanitizers only";
    return;
  }
  auto shared = SharedPiece<Cost>::make();
  if (!shared) {
    row.invalid = std::string(shared.error().sentence());
    return;
  }
  const std::string directory = plan.directory + "/cost";
  Child child = Child::run(-1, [&] {
    std::atomic<std::uint64_t> line{0};
    **shared = count(directory, line);
  });
  if (!child.ended_well()) row.invalid = "the process that was counted failed";
  row.value = (*shared)->instructions;
  row.more.emplace_back("shared_lines", (*shared)->lines);
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

using LinePlace = std::atomic<std::uint64_t>;

}  // namespace

void cost_of_publish(const SoloPlan& plan, Row& row) {
  fill(plan, row, cost_of_sending<ClaimSender>);
}

void cost_of_send(const SoloPlan& plan, Row& row) {
  fill(plan, row, cost_of_sending<ChannelCopySender>);
}

void cost_of_batch(const SoloPlan& plan, Row& row) {
  fill(plan, row, cost_of_sending<ChannelBatchSender>);
}

void cost_of_poll(const SoloPlan& plan, Row& row) {
  fill(plan, row, [](const std::string& directory, LinePlace& line) {
    return cost_of_taking(directory, line, take_all);
  });
}

void cost_of_each(const SoloPlan& plan, Row& row) {
  fill(plan, row, [](const std::string& directory, LinePlace& line) {
    return cost_of_taking(directory, line, drain_all);
  });
}

}  // namespace millrace::bench
