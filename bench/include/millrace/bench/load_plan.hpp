// What one measured run is to do. The parent makes a plan; publisher and subscriber of every
// restart follow it to the letter.
#pragma once

#include "millrace/bench/load_handler.hpp"
#include "millrace/bench/load_schedule.hpp"
#include "millrace/bench/load_shape.hpp"
#include "millrace/transport/options.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace millrace::bench {

// Defects that tests turn on, to see the checks notice them. Off in every real run.
enum class LoadPlant : std::uint8_t {
  none,
  drop,        // one message in a hundred is never sent
  duplicate,   // one in a hundred is handled twice
  counter,     // the publisher counts one message more than it sent
  wrong_byte,  // one in a hundred is handed on with a byte changed
  slow,        // the handler takes ten times as long for one message in a hundred
  sleep,       // the reader sleeps 2 ms now and then, by its own doing
  lone_delay,  // a message that waits alone is taken 1 us late
  fast_clock,  // the publisher's clock of rates is 1 % fast
};

// The words of a plant, for a hidden option. Error bad_argument.
[[nodiscard]] Result<LoadPlant> parse_plant(std::string_view text);
[[nodiscard]] const char* to_string(LoadPlant plant) noexcept;

// Two processors, one for each process; equal or -1: they share what there is, and every row of
// time is `oversubscribed`.
struct LoadCpus {
  int publisher = -1;
  int subscriber = -1;

  [[nodiscard]] bool apart() const noexcept { return publisher >= 0 && publisher != subscriber; }
};

// The first two processors this process may use, or the ones wished for ("A,B").
// Error bad_argument: no such processors. One processor only is no error: see LoadCpus.
[[nodiscard]] Result<LoadCpus> choose_load_cpus(const std::string& wish);

struct LoadPlan {
  LoadShape shape;
  std::vector<std::uint64_t> recorded{};  // arrivals of a replay
  LoadHandler handler;
  std::uint64_t seed = 1;
  double seconds = 2;             // of load, in each restart
  std::uint32_t length_min = 32;  // payload bytes, drawn evenly by the seed; at least 8
  std::uint32_t length_max = 32;
  std::uint64_t ring_bytes = std::uint64_t{1} << 20;
  Policy policy = Policy::block;
  LoadCpus cpus;
  std::string domain{};   // its directory
  std::string journal{};  // of a durable channel: its directory; empty: through memory alone
  LoadPlant plant = LoadPlant::none;

  // The same load over bare words instead of a channel: the control row of every check.
  bool bare = false;

  // A slice of load lies between two bare slices, and begins with an empty ring.
  double slice_seconds = 0.05;
  double still_seconds = 0.005;  // behind each, in which both spin and nothing is sent
  bool calibrate = true;         // drain and idle slices before the load
  bool warm = true;              // one more slice of load before the first that counts

  // Asked now and then; true ends the run early, with an error.
  std::function<bool()> give_up{};
};

// Error bad_argument: what of the plan cannot be.
[[nodiscard]] Result<void> check_plan(const LoadPlan& plan);

// Payload bytes of message `number`, the same for whoever knows the seed.
[[nodiscard]] std::uint32_t load_length(const LoadPlan& plan, std::uint64_t number) noexcept;

// What adds up to the checksum of a set of messages, whatever their order: of one message's bytes,
// computed from the seed alone, and of bytes that were received.
[[nodiscard]] std::uint64_t load_sum(const LoadPlan& plan, std::uint64_t number) noexcept;
[[nodiscard]] std::uint64_t load_sum(std::span<const std::byte> bytes) noexcept;

// Writes message `number`, whose length is load_length().
void write_load(const LoadPlan& plan, std::uint64_t number, std::span<std::byte> to) noexcept;

}  // namespace millrace::bench
