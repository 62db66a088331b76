#include "storm_page.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace millrace::tools {
namespace {

StormPage* map(int fd) noexcept {
  void* const at = mmap(nullptr, sizeof(StormPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  // Fresh pages are zero, and zero is the right beginning of every word.
  return at == MAP_FAILED ? nullptr : static_cast<StormPage*>(at);
}

}  // namespace

const char* to_string(StormRole role) noexcept {
  switch (role) {
    case StormRole::publisher: return "publisher";
    case StormRole::subscriber: return "subscriber";
    case StormRole::cleaner: return "cleaner";
  }
  return "unknown";
}

const char* to_string(StormOrder order) noexcept {
  switch (order) {
    case StormOrder::lane: return "lane";
  }
  return "unknown";
}

StormPhase StormPage::phase_now() const noexcept {
  // [sync:storm-phase] Acquire: what every publisher has published is final when draining begins.
  return static_cast<StormPhase>(phase.load(std::memory_order_acquire));
}

void StormPage::raise(StormPhase to) noexcept {
  // [sync:storm-phase] Release. Without it a subscriber could drain against an old count.
  phase.store(static_cast<std::uint32_t>(to), std::memory_order_release);
}

void StormPage::violate(const std::string& sentence) noexcept {
  const std::uint32_t mine = violations_used.fetch_add(1, std::memory_order_relaxed);
  if (mine >= kStormViolations) return;
  StormViolation& violation = violations[mine];
  const std::size_t length = std::min(sentence.size(), violation.sentence.size() - 1);
  std::memcpy(violation.sentence.data(), sentence.data(), length);
  // [sync:storm-violation] Release. Without it the parent could print half a sentence.
  violation.written.store(1, std::memory_order_release);
}

std::vector<std::string> StormPage::sentences() const {
  const std::size_t all = violations_used.load(std::memory_order_relaxed);
  std::vector<std::string> found;
  for (std::size_t each = 0; each < std::min(all, kStormViolations); ++each) {
    const StormViolation& violation = violations[each];
    // [sync:storm-violation] Acquire: the whole sentence.
    const bool whole = violation.written.load(std::memory_order_acquire) != 0;
    found.emplace_back(whole ? violation.sentence.data()
                             : "a process was killed while it told of a violation");
  }
  if (all > kStormViolations) {
    found.push_back("and " + std::to_string(all - kStormViolations) + " more");
  }
  return found;
}

ParticipantName StormPage::participant_of(std::uint32_t life) const noexcept {
  if (life == kNoLife) return {};
  // [sync:storm-participant] Acquire: the id that goes with the incarnation.
  const std::uint64_t incarnation = lives[life].incarnation.load(std::memory_order_acquire);
  return {lives[life].participant_id.load(std::memory_order_relaxed), incarnation};
}

StormMemory::StormMemory(StormMemory&& other) noexcept
    : fd_(std::move(other.fd_)), page_(std::exchange(other.page_, nullptr)) {}

StormMemory::~StormMemory() {
  if (page_ != nullptr) munmap(page_, sizeof(StormPage));
}

Result<StormMemory> StormMemory::create() {
  Descriptor fd(memfd_create("millrace-storm", MFD_CLOEXEC));
  if (!fd.valid() || ftruncate(fd.get(), sizeof(StormPage)) != 0) {
    return fail_os(errno, "cannot make %zu bytes of shared memory", sizeof(StormPage));
  }
  StormPage* const page = map(fd.get());
  if (page == nullptr) return fail_os(errno, "cannot map %zu bytes", sizeof(StormPage));
  return StormMemory(std::move(fd), page);
}

Result<StormMemory> StormMemory::attach(int fd) {
  Descriptor own(fd);

  struct stat status {};

  const bool plausible = fstat(fd, &status) == 0 && status.st_size == sizeof(StormPage);
  StormPage* const page = plausible ? map(fd) : nullptr;
  if (page == nullptr) {
    return fail(Errc::bad_argument,
                "this is a part of `millrace storm`, which starts it by itself");
  }
  return StormMemory(std::move(own), page);
}

std::string storm_publisher_name(std::uint32_t slot) {
  return "storm-" + std::to_string(slot);
}

}  // namespace millrace::tools
