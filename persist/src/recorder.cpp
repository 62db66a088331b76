#include "millrace/persist/recorder.hpp"

#include "recorder_core.hpp"

namespace millrace {

Recorder::Recorder(std::unique_ptr<RecorderCore> core) noexcept : core_(std::move(core)) {}

Recorder::Recorder(Recorder&&) noexcept = default;
Recorder& Recorder::operator=(Recorder&&) noexcept = default;
Recorder::~Recorder() = default;

Result<Recorder> Recorder::open(const Domain& domain, const JournalOptions& options,
                                const std::vector<std::string>& channels) {
  auto core = RecorderCore::open(domain, options, channels);
  if (!core) return Failure(core.error());
  return Recorder(std::move(*core));
}

Result<void> Recorder::run(const std::atomic<bool>& stop) {
  return core_->run(stop);
}

Result<void> Recorder::round(std::chrono::nanoseconds most) {
  return core_->round(most);
}

Result<void> Recorder::close() {
  return core_->close();
}

const RecoveryReport& Recorder::recovery() const noexcept {
  return core_->recovery();
}

const DiskFacts& Recorder::disk() const noexcept {
  return core_->disk();
}

RecorderStats Recorder::stats() const {
  return core_->stats();
}

}  // namespace millrace
