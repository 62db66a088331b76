#include "run_page.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

namespace millrace::tools {
namespace {

constexpr std::size_t round_up(std::size_t bytes) noexcept {
  return (bytes + 4095) & ~std::size_t{4095};
}

constexpr std::size_t kHeaderPart = round_up(sizeof(RunHeader));

std::size_t page_bytes(std::uint32_t publishers, std::uint32_t subscribers,
                       std::uint32_t stamp_places) noexcept {
  const std::size_t tallies = std::size_t{publishers} * subscribers * sizeof(LaneTally);
  const std::size_t stamps = std::size_t{publishers} * stamp_places * sizeof(StampWord);
  return round_up(kHeaderPart + publishers * sizeof(PublisherWords) +
                  subscribers * sizeof(SubscriberWords) + tallies + stamps);
}

std::byte* map(int fd, std::size_t bytes) noexcept {
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  return at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
}

}  // namespace

RunPage::RunPage(Descriptor fd, std::byte* base, std::size_t bytes) noexcept
    : fd_(std::move(fd)), base_(base), bytes_(bytes) {}

RunPage::RunPage(RunPage&& other) noexcept
    : fd_(std::move(other.fd_)), base_(std::exchange(other.base_, nullptr)), bytes_(other.bytes_) {}

RunPage::~RunPage() {
  if (base_ != nullptr) munmap(base_, bytes_);
}

Result<RunPage> RunPage::create(std::uint32_t publishers, std::uint32_t subscribers,
                                std::uint32_t stamp_places) {
  const std::size_t bytes = page_bytes(publishers, subscribers, stamp_places);
  Descriptor fd(memfd_create("millrace-run", MFD_CLOEXEC));
  if (!fd.valid() || ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return fail_os(errno, "cannot make %zu bytes of shared memory for the results", bytes);
  }
  std::byte* const base = map(fd.get(), bytes);
  if (base == nullptr) return fail_os(errno, "cannot map %zu bytes for the results", bytes);
  // Fresh pages are zero, and zero is the right beginning of every word.
  auto& header = *new (base) RunHeader;
  header.bytes = bytes;
  header.settings.publishers = publishers;
  header.settings.subscribers = subscribers;
  header.settings.stamp_places = stamp_places;
  return RunPage(std::move(fd), base, bytes);
}

Result<RunPage> RunPage::attach(int fd) {
  Descriptor own(fd);

  struct stat status {};

  const bool plausible =
      fstat(fd, &status) == 0 && status.st_size >= static_cast<off_t>(kHeaderPart);
  const auto bytes = static_cast<std::size_t>(status.st_size);
  std::byte* const base = plausible ? map(fd, bytes) : nullptr;
  if (base == nullptr) {
    return fail(Errc::bad_argument,
                "this is a part of `millrace run`, which starts it by itself; use `millrace run`");
  }
  RunPage page(std::move(own), base, bytes);
  const RunSettings& settings = page.settings();
  if (page.header().bytes != bytes ||
      page_bytes(settings.publishers, settings.subscribers, settings.stamp_places) != bytes) {
    return fail(Errc::format, "the results are of another millrace than this one");
  }
  return page;
}

PublisherWords& RunPage::publisher(std::uint32_t number) const noexcept {
  return reinterpret_cast<PublisherWords*>(base_ + kHeaderPart)[number];
}

SubscriberWords& RunPage::subscriber(std::uint32_t number) const noexcept {
  std::byte* const first = base_ + kHeaderPart + settings().publishers * sizeof(PublisherWords);
  return reinterpret_cast<SubscriberWords*>(first)[number];
}

LaneTally& RunPage::tally(std::uint32_t number, std::uint32_t lane) const noexcept {
  auto* const first = reinterpret_cast<LaneTally*>(&subscriber(settings().subscribers));
  return first[std::size_t{number} * settings().publishers + lane];
}

StampWord& RunPage::stamp(std::uint32_t lane, std::uint64_t sequence) const noexcept {
  auto* const first = reinterpret_cast<StampWord*>(&tally(settings().subscribers, 0));
  const std::uint64_t place = sequence >> settings().stamp_shift & (settings().stamp_places - 1);
  return first[std::size_t{lane} * settings().stamp_places + place];
}

RunPhase RunPage::phase() const noexcept {
  // [sync:run-phase] Acquire: what the parent wrote before it raised the phase is there.
  return static_cast<RunPhase>(header().phase.load(std::memory_order_acquire));
}

void RunPage::raise(RunPhase phase) const noexcept {
  // [sync:run-phase] Release. Without it a child could read settings from before they were set.
  header().phase.store(static_cast<std::uint32_t>(phase), std::memory_order_release);
}

RunStop RunPage::stop() const noexcept {
  // Relaxed: it carries no data.
  return static_cast<RunStop>(header().stop.load(std::memory_order_relaxed));
}

void RunPage::order(RunStop stop) const noexcept {
  header().stop.store(static_cast<std::uint32_t>(stop), std::memory_order_relaxed);
}

void reach(ChildWords& child, RunPhase phase) noexcept {
  // [sync:run-reached] Release. Without it the parent could read results that are not yet complete.
  child.reached.store(static_cast<std::uint32_t>(phase), std::memory_order_release);
}

bool has_reached(const ChildWords& child, RunPhase phase) noexcept {
  // [sync:run-reached] Acquire: the child's results up to this phase.
  return child.reached.load(std::memory_order_acquire) >= static_cast<std::uint32_t>(phase);
}

void leave_word(ChildWords& child, const Error& error) noexcept {
  if (child.failed.load(std::memory_order_relaxed) != 0) return;
  const std::string_view sentence = error.sentence();
  std::memcpy(child.sentence.data(), sentence.data(),
              std::min(sentence.size(), child.sentence.size() - 1));
  child.at_setup = has_reached(child, RunPhase::place) ? 0 : 1;
  // [sync:run-failed] Release. Without it the parent could print half a sentence.
  child.failed.store(static_cast<std::uint32_t>(error.code()), std::memory_order_release);
}

}  // namespace millrace::tools
