#include "calibration.hpp"

#include "scratch_file.hpp"
#include "staging_buffers.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace millrace {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kScratchBytes = std::size_t{1} << 20;
constexpr std::uint32_t kSamplesMax = 256;
constexpr std::chrono::milliseconds kTimeMax{600};
// Only a clear difference speaks against dsync: it ties an error to the write that suffered it.
constexpr double kClearlyFaster = 0.8;

int write_durably(int fd, std::span<const std::byte> block, std::uint64_t offset,
                  Durability mode) noexcept {
  const iovec piece{const_cast<std::byte*>(block.data()), block.size()};
  const int flags = mode == Durability::dsync ? RWF_DSYNC : 0;
  const ssize_t written = pwritev2(fd, &piece, 1, static_cast<off_t>(offset), flags);
  if (written != static_cast<ssize_t>(block.size())) return written < 0 ? errno : EIO;
  if (mode == Durability::flush && fdatasync(fd) != 0) return errno;
  return 0;
}

int prewrite(int fd, std::span<std::byte> all) noexcept {
  for (std::size_t at = 0; at + sizeof kPreparedPattern <= all.size();
       at += sizeof kPreparedPattern)
    std::memcpy(all.data() + at, &kPreparedPattern, sizeof kPreparedPattern);
  const ssize_t written = pwrite(fd, all.data(), all.size(), 0);
  if (written != static_cast<ssize_t>(all.size())) return written < 0 ? errno : ENOSPC;
  return fdatasync(fd) == 0 ? 0 : errno;
}

struct Samples {
  std::vector<std::uint64_t> dsync;
  std::vector<std::uint64_t> flush;
};

// One of each in turn, so that a noisy neighbour meets both.
int measure(int fd, std::span<const std::byte> all, std::size_t block, Samples& samples) {
  const auto until = steady_clock::now() + kTimeMax;
  for (std::size_t at = 0; samples.flush.size() < kSamplesMax; at = (at + block) % all.size()) {
    for (const Durability mode : {Durability::dsync, Durability::flush}) {
      const auto begun = steady_clock::now();
      const int refused = write_durably(fd, all.subspan(at, block), at, mode);
      if (refused != 0) return refused;
      const auto took = std::chrono::nanoseconds(steady_clock::now() - begun);
      auto& taken = mode == Durability::dsync ? samples.dsync : samples.flush;
      taken.push_back(static_cast<std::uint64_t>(took.count()));
    }
    if (steady_clock::now() >= until) break;
  }
  return 0;
}

bool clearly_faster(std::uint64_t one, std::uint64_t other) noexcept {
  return static_cast<double>(one) < kClearlyFaster * static_cast<double>(other);
}

std::uint64_t quantile(std::vector<std::uint64_t>& values, double share) {
  std::ranges::sort(values);
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(last * share)];
}

}  // namespace

Result<Calibration> calibrate(int directory_fd, const std::string& path,
                              std::uint32_t block_bytes) {
  const Descriptor scratch = scratch_file(directory_fd, true);
  if (!scratch.valid()) {
    return fail_os(errno, "cannot make a scratch file in %s to measure the disk", path.c_str());
  }
  StagingBuffers memory;
  if (!memory.make(1, kScratchBytes)) {
    return fail(Errc::no_space, "no memory to measure the disk of %s", path.c_str());
  }
  Samples samples;
  int refused = prewrite(scratch.get(), memory.at(0));
  if (refused == 0) refused = measure(scratch.get(), memory.at(0), block_bytes, samples);
  if (refused != 0) return fail_os(refused, "cannot measure the disk of %s", path.c_str());
  Calibration found;
  found.samples = static_cast<std::uint32_t>(samples.dsync.size());
  found.dsync_ns_p50 = quantile(samples.dsync, 0.5);
  found.dsync_ns_p99 = quantile(samples.dsync, 0.99);
  found.flush_ns_p50 = quantile(samples.flush, 0.5);
  found.flush_ns_p99 = quantile(samples.flush, 0.99);
  found.dsync_ns_best = samples.dsync.front();
  found.flush_ns_best = samples.flush.front();
  // A busy machine delays the two unequally, because dsync alone waits for a kernel thread on the
  // interrupt's CPU. The best case shows the device, so both must speak for the flush.
  const bool flush_wins = clearly_faster(found.flush_ns_p50, found.dsync_ns_p50) &&
                          clearly_faster(found.flush_ns_best, found.dsync_ns_best);
  found.better = flush_wins ? Durability::flush : Durability::dsync;
  return found;
}

}  // namespace millrace
