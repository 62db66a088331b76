// What `millrace run` was asked for.
#pragma once

#include "domain_argument.hpp"
#include "millrace/persist/journal.hpp"
#include "millrace/transport/options.hpp"

#include <CLI/App.hpp>
#include <chrono>
#include <cstdint>
#include <string>

namespace millrace::tools {

inline constexpr std::uint64_t kRunPublishersMax = kLanesMax;
inline constexpr std::uint64_t kRunSubscribersMax = 512;

struct RunOptions {
  static constexpr std::chrono::nanoseconds kUnset{-1};

  DomainArgument domain;
  std::string input = "telemetry";
  std::uint64_t publishers = 1;
  std::uint64_t subscribers = 1;
  std::chrono::nanoseconds seconds = kUnset;
  std::uint64_t ring_bytes = kRingBytesDefault;
  Wait wait = Wait::automatic;
  Policy policy = Policy::block;
  Order order = Order::lane;
  double rate = 0;           // 0: as fast as possible
  std::uint64_t repeat = 0;  // 0: not said, which means once
  bool quiet = false;
  std::string journal;  // directory to record into and keep; empty: see records()
  bool no_journal = false;
  Retention retain;

  // Not for users: how the program starts itself, and how a test makes the check fail.
  std::string role;
  std::uint64_t number = 0;
  bool plant = false;

  [[nodiscard]] bool telemetry() const noexcept { return input == "telemetry"; }

  // A journal was named, or it is the main job: telemetry through a journal of its own. No journal
  // keeps the order between lanes.
  [[nodiscard]] bool records() const noexcept {
    return !journal.empty() || (telemetry() && !no_journal && order == Order::lane);
  }

  // How long to publish; forever unless it was said or telemetry needs an end.
  [[nodiscard]] std::chrono::nanoseconds duration() const noexcept;
};

void add_run_options(CLI::App& verb, RunOptions& options);

// What the options say together.
[[nodiscard]] Result<void> check_run_options(const RunOptions& options);

}  // namespace millrace::tools
