#include "log_writer.hpp"

#include "flaw.hpp"

#include <algorithm>
#include <cerrno>

namespace millrace {
namespace {

// Operations are told apart by their number: an item's is its own.
constexpr std::uint64_t kFlushId = std::uint64_t{1} << 63;
constexpr std::uint64_t kPrepareId = std::uint64_t{1} << 62;

// Beside the items in flight: one that is being filled, one for the journal's own.
constexpr std::uint32_t kBuffersBeside = 2;

}  // namespace

LogWriter::LogWriter(Disk& disk, Durability mode, std::uint32_t depth, ItemNumber durable)
    : disk_(disk), mode_(mode), depth_(depth), submitted_(durable), durable_(durable) {}

Result<void> LogWriter::make_buffers(std::size_t bytes) {
  const std::size_t count = depth_ + kBuffersBeside;
  free_buffers_.reserve(count);
  auto made = disk_.make_buffers(count, bytes);
  if (!made) return made;
  for (std::size_t buffer = 0; buffer < count; ++buffer)
    free_buffers_.push_back(buffer);
  return {};
}

std::optional<std::size_t> LogWriter::take_buffer() noexcept {
  if (free_buffers_.empty()) return std::nullopt;
  const std::size_t buffer = free_buffers_.back();
  free_buffers_.pop_back();
  return buffer;
}

bool LogWriter::may_submit() const noexcept {
  const bool within =
      MILLRACE_FLAW(window_by_count) ? in_flight_ < depth_ : submitted_ - durable_ < depth_;
  return error_ == 0 && within;
}

void LogWriter::submit(const Write& write) noexcept {
  submitted_ = write.item;
  ++in_flight_;
  at(write.item) = {.stage = Stage::written,
                    .file = write.file,
                    .buffer = write.buffer,
                    .bytes = write.bytes,
                    .submitted_ns = disk_.now().boot_ns};
  disk_.write(write.item, write.file, write.offset, write.buffer, write.bytes,
              mode_ == Durability::dsync);
}

void LogWriter::prepare(Disk::File file, std::uint64_t bytes) noexcept {
  preparing_ = file;
  disk_.prepare(kPrepareId, file, bytes);
}

std::optional<LogWriter::Prepared> LogWriter::prepared() noexcept {
  return std::exchange(prepared_, std::nullopt);
}

void LogWriter::wait(std::uint64_t timeout_ns) noexcept {
  std::array<Disk::Done, 2 * kDepthMost> events;
  std::uint64_t timeout = timeout_ns;
  std::size_t count = events.size();
  // A full array may have left some behind: they cost a look, not a wait.
  while (count == events.size()) {
    count = disk_.wait(events, timeout);
    for (std::size_t index = 0; index < count; ++index)
      done(events[index]);
    timeout = 0;
  }
  advance();
  begin_flush();
}

void LogWriter::done(const Disk::Done& event) noexcept {
  if (event.id == kPrepareId) {
    const int error = event.result < 0 ? static_cast<int>(-event.result) : 0;
    if (preparing_) prepared_ = Prepared{.file = *preparing_, .error = error};
    preparing_.reset();
  } else if (event.id == kFlushId) {
    flush_done(event.result);
  } else {
    write_done(event.id, event.result);
  }
}

void LogWriter::write_done(ItemNumber item, std::int64_t result) noexcept {
  if (item <= durable_ || item > submitted_) return poison(-EIO);  // none of ours
  InFlight& flight = at(item);
  --in_flight_;
  give_back(flight.buffer);
  // A short write was already resubmitted by the disk: what is still missing is lost.
  if (result < 0) return poison(result);
  if (static_cast<std::uint64_t>(result) != flight.bytes) return poison(-EIO);
  flight.stage = mode_ == Durability::dsync ? Stage::durable : Stage::volatile_bytes;
}

ItemNumber LogWriter::written() const noexcept {
  ItemNumber item = durable_;
  while (item < submitted_ && window_[(item + 1) % kWindow].stage != Stage::written)
    ++item;
  return item;
}

void LogWriter::flush_done(std::int64_t result) noexcept {
  flush_in_flight_ = false;
  if (result < 0) return poison(result);
  for (ItemNumber item = durable_ + 1; item <= submitted_; ++item) {
    if (at(item).stage == Stage::flushing) at(item).stage = Stage::durable;
  }
}

// One flush serves every item of the oldest one's file that has completed by now.
void LogWriter::begin_flush() noexcept {
  if (mode_ == Durability::dsync || flush_in_flight_ || error_ != 0) return;
  bool begun = false;
  Disk::File file = 0;
  for (ItemNumber item = durable_ + 1; item <= submitted_; ++item) {
    InFlight& flight = at(item);
    if (flight.stage != Stage::volatile_bytes || (begun && flight.file != file)) continue;
    file = flight.file;
    begun = true;
    flight.stage = Stage::flushing;
  }
  if (!begun) return;
  flush_in_flight_ = true;
  ++flushes_;
  disk_.flush(kFlushId, file);
}

void LogWriter::advance() noexcept {
  if (error_ != 0 || durable_ == submitted_) return;
  const std::uint64_t now_ns = disk_.now().boot_ns;
  while (durable_ < submitted_ && at(durable_ + 1).stage == Stage::durable) {
    ++durable_;
    times_.record(now_ns - std::min(now_ns, at(durable_).submitted_ns));
    if (mode_ == Durability::dsync) ++flushes_;
  }
}

void LogWriter::poison(std::int64_t result) noexcept {
  if (error_ == 0) error_ = result < 0 ? static_cast<int>(-result) : EIO;
}

}  // namespace millrace
