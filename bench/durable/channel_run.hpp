// A publisher at a steady rate, a subscriber that sleeps, and, if wanted, a recorder: three threads
// on one durable or plain channel. Nobody spins, so that the disk's interrupt has its processor.
#pragma once

#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>

namespace millrace::bench {

struct ChannelRun {
  std::string directory;  // for domain and journal
  double rate = 100'000;  // messages a second, 256 bytes each
  double seconds = 1;
  bool recorded = true;  // a recorder is at work, the channel is durable
  bool durable = true;   // the subscriber waits until a message is durable
};

// Publish → handler, from the publisher's intended time.
struct ChannelFigures {
  double p50_ns = 0;
  double p99_ns = 0;
  double messages = 0;
  double device_p50_ns = 0;  // of the recorder's own writes
  double device_p99_ns = 0;
};

[[nodiscard]] Result<ChannelFigures> run_channel(const ChannelRun& run);

}  // namespace millrace::bench
