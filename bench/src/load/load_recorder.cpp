// The recorder of a measured run over a durable channel.
#include "load_page.hpp"
#include "millrace/persist/recorder.hpp"
#include "millrace/transport/domain.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace millrace::bench {

namespace {

constexpr std::chrono::milliseconds kRound{20};

Result<void> record(const LoadPlan& plan, const LoadPage& page, const std::string& channel) {
  LoadWords& words = page.words();
  auto domain = Domain::open({.path = plan.domain, .participant = "profile-recorder"});
  if (!domain) return Failure(domain.error());
  JournalOptions options;
  options.directory = plan.journal;
  auto recorder = Recorder::open(*domain, options, {channel});
  if (!recorder) return Failure(recorder.error());
  const std::string device = recorder->disk().engine;
  std::memcpy(words.device.data(), device.data(), std::min(device.size(), words.device.size() - 1));
  // [sync:load-ready] Release: the parent may start the others.
  words.recorder.ready.store(1, std::memory_order_release);
  while (words.stop_recorder.load(std::memory_order_relaxed) == 0) {
    if (auto done = recorder->round(kRound); !done) return done;
  }
  return recorder->close();
}

}  // namespace

int live_as_load_recorder(const LoadPlan& plan, const LoadPage& page, const std::string& channel) {
  const auto done = record(plan, page, channel);
  return done ? 0 : give_up_as(page.words().recorder, done.error());
}

}  // namespace millrace::bench
