#include "run_channel.hpp"

#include "millrace/core/clock.hpp"
#include "millrace/core/domain_directory.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <unistd.h>
#include <utility>

namespace millrace::tools {
namespace {

// The kernel may still be busy with one that was killed a moment ago.
constexpr int kAttempts = 100;
constexpr std::chrono::milliseconds kBetween{20};
constexpr int kNames = 100;
constexpr const char* kParticipants = "participants";

// Takes back what opening a domain in vain has made. If anybody has come meanwhile, the first of
// these fails, and all stays.
void take_back(const std::filesystem::path& path, bool made_directory) {
  std::error_code refused;
  if (made_directory) {
    std::size_t others = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path, refused)) {
      const std::string name = entry.path().filename();
      if (name != kParticipants && !name.starts_with("clock-")) ++others;
    }
    if (refused || others != 0) return;
  }
  if (rmdir((path / kParticipants).c_str()) != 0) return;
  unlink((path / Clock::file_name().data()).c_str());
  if (made_directory) rmdir(path.c_str());
}

}  // namespace

Result<RunChannel> RunChannel::create(const RunOptions& options, const std::string& journal) {
  const std::string asked =
      options.domain.path.empty() ? DomainDirectory::default_path() : options.domain.path;
  std::error_code ignored;
  Before before;
  before.directory = std::filesystem::exists(asked, ignored);
  before.participants =
      std::filesystem::exists(std::filesystem::path(asked) / kParticipants, ignored);
  auto domain = join(options.domain);
  if (!domain) {
    if (!before.participants) take_back(asked, !before.directory);
    return Failure(domain.error());
  }
  RunChannel made(std::move(*domain), before);
  ChannelOptions channel;
  channel.ring_bytes = options.ring_bytes;
  channel.policy = options.policy;
  channel.order = options.order;
  channel.lanes_max = static_cast<std::uint32_t>(options.publishers);
  channel.durable = !journal.empty();
  channel.journal = journal;
  // A journal that is kept may hold a run of the same process number: this one must not go on where
  // that one ended.
  const std::string time = "-" + std::to_string(wall_ns() / 1'000'000);
  const std::string name =
      "run-" + std::to_string(getpid()) + (options.journal.empty() ? "" : time);
  for (int attempt = 0;; ++attempt) {
    // A process of the same number in another container may share the domain.
    const std::string wanted = attempt == 0 ? name : name + "-" + std::to_string(attempt);
    const auto created = made.domain_->create(wanted, channel);
    if (created) {
      made.name_ = wanted;
      return made;
    }
    if (created.error().code() != Errc::exists || attempt == kNames) {
      made.forget_domain();
      return Failure(created.error());
    }
  }
}

RunChannel::RunChannel(RunChannel&& other) noexcept
    : domain_(std::exchange(other.domain_, std::nullopt)),
      name_(std::move(other.name_)),
      before_(other.before_),
      deaths_(other.deaths_),
      forget_(other.forget_) {}

RunChannel::~RunChannel() {
  if (!domain_) return;
  const std::string path = domain_->path();
  Result<void> removed;
  for (int attempt = 0; !name_.empty() && attempt != kAttempts; ++attempt) {
    removed = domain_->remove(name_);
    if (removed || removed.error().code() != Errc::busy) break;
    std::this_thread::sleep_for(kBetween);
  }
  if (!removed) {
    std::fprintf(stderr, "millrace: %.*s\n", static_cast<int>(removed.error().sentence().size()),
                 removed.error().sentence().data());
  }
  if (deaths_) static_cast<void>(domain_->clean());
  domain_.reset();
  if (forget_ && !before_.participants) take_back(path, !before_.directory);
}

std::optional<std::uint64_t> RunChannel::published(std::uint32_t lane) const {
  const auto channel = domain_->find(name_);
  if (!channel) return std::nullopt;
  const auto stats = channel->stats();
  if (!stats) return std::nullopt;
  for (const LaneStats& each : stats->lanes) {
    if (each.lane == lane) return each.sequence;
  }
  return std::nullopt;
}

}  // namespace millrace::tools
