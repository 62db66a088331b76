#include "load_channel.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/transport/domain.hpp"

#include <chrono>
#include <cstdio>
#include <thread>
#include <unistd.h>
#include <utility>

namespace millrace::bench {

namespace {

// The kernel may still be busy with a process that was killed a moment ago.
constexpr int kAttempts = 100;
constexpr std::chrono::milliseconds kBetween{20};

}  // namespace

Result<LoadChannel> LoadChannel::create(const LoadPlan& plan) {
  auto domain = Domain::open({.path = plan.domain, .participant = "profile"});
  if (!domain) return Failure(domain.error());
  ChannelOptions options;
  options.ring_bytes = plan.ring_bytes;
  options.policy = plan.policy;
  options.lanes_max = 1;
  options.durable = !plan.journal.empty();
  options.journal = plan.journal;
  // The time keeps runs of one journal apart.
  const std::string name =
      "profile-" + std::to_string(getpid()) + "-" + std::to_string(wall_ns() / 1'000'000);
  const auto created = domain->create(name, options);
  if (!created) return Failure(created.error());
  return LoadChannel(plan.domain, name);
}

LoadChannel::LoadChannel(LoadChannel&& other) noexcept
    : domain_(std::move(other.domain_)), name_(std::exchange(other.name_, std::string())) {}

LoadChannel::~LoadChannel() {
  if (name_.empty()) return;
  auto domain = Domain::open({.path = domain_, .participant = "profile", .create = false});
  if (!domain) return;
  Result<void> removed;
  for (int attempt = 0; attempt != kAttempts; ++attempt) {
    removed = domain->remove(name_);
    if (removed || removed.error().code() != Errc::busy) break;
    std::this_thread::sleep_for(kBetween);
  }
  static_cast<void>(domain->clean());
  if (removed) return;
  (void)std::fprintf(stderr, "millrace: %.*s\n",
                     static_cast<int>(removed.error().sentence().size()),
                     removed.error().sentence().data());
}

}  // namespace millrace::bench
