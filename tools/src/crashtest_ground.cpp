#include "crashtest_ground.hpp"

#include "signals.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace millrace::tools {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// Small segments, so that many ends and beginnings of one are met.
constexpr std::uint64_t kSegmentBytes = 2 * kMiB;
constexpr std::uint64_t kRetainBytes = 48 * kMiB;

template <std::size_t N>
bool put(const std::string& text, std::array<char, N>& into) {
  if (text.size() >= N) return false;
  std::memcpy(into.data(), text.c_str(), text.size() + 1);
  return true;
}

Result<void> make_journal(const CrashPage& page) {
  JournalOptions options;
  options.directory = page.journal.data();
  options.segment_bytes = page.segment_bytes;
  options.retain.bytes = page.retain_bytes;
  auto journal = Journal::open(options);
  if (!journal) return Failure(journal.error());
  return journal->close();
}

}  // namespace

const char* to_string(CrashKind kind) noexcept {
  switch (kind) {
    case CrashKind::kill: return "kill";
    case CrashKind::reboot: return "reboot";
    case CrashKind::power: return "power cut";
  }
  return "unknown";
}

Result<CrashGround> CrashGround::make(const std::string& directory, const std::string& domain,
                                      std::uint64_t seed, std::optional<LoopPower> power) {
  auto memory = CrashMemory::create();
  if (!memory) return Failure(memory.error());
  CrashPage& page = *memory->operator->();
  page.seed = seed;
  page.segment_bytes = kSegmentBytes;
  page.retain_bytes = kRetainBytes;
  if (!put(directory + "/journal", page.journal) || !put(domain, page.domain)) {
    return fail(Errc::bad_argument, "the path %.100s is too long", directory.c_str());
  }
  if (auto made = make_journal(page); !made) return Failure(made.error());
  return CrashGround(std::move(*memory), std::move(power));
}

CrashGround::~CrashGround() {
  std::error_code ignored;
  if (page_.fd() < 0) return;  // moved from
  forget_shared_memory();
  std::filesystem::remove_all(page_->journal.data(), ignored);
}

void CrashGround::forget_shared_memory() {
  std::error_code ignored;
  std::filesystem::remove_all(page_->domain.data(), ignored);
}

Result<pid_t> CrashGround::start() {
  page_->recording.store(0, std::memory_order_relaxed);
  page_->failed.store(0, std::memory_order_relaxed);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Through a high number: dup2 of a descriptor onto itself would leave it to be closed.
  constexpr int kOutOfTheWay = 64;
  const Descriptor held(fcntl(page_.fd(), F_DUPFD_CLOEXEC, kOutOfTheWay));
  posix_spawn_file_actions_adddup2(&actions, held.get(), kCrashPageFd);
  std::array<std::string, 4> words{"millrace", "crashtest", "--role", "writer"};
  std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                                 nullptr};
  pid_t writer = 0;
  const int refused =
      posix_spawn(&writer, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (refused != 0) return fail_os(refused, "cannot start a writer");
  return writer;
}

Result<void> CrashGround::end(pid_t writer, CrashKind kind) {
  // [sync:crash-failed] Acquire: the sentence is complete.
  const bool failed = page_->failed.load(std::memory_order_acquire) != 0;
  Result<void> cut;
  if (kind == CrashKind::power) cut = power_->cut();
  kill(writer, SIGKILL);
  while (waitpid(writer, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (kind != CrashKind::kill) forget_shared_memory();
  if (failed) {
    return fail(Errc::system, "the writer ended by itself: %.300s", page_->sentence.data());
  }
  return cut;
}

Result<CrashFindings> CrashGround::crash(CrashKind kind, std::chrono::nanoseconds after) {
  const auto writer = start();
  if (!writer) return Failure(writer.error());
  nap(after);
  if (auto ended = end(*writer, kind); !ended) return Failure(ended.error());
  if (kind == CrashKind::power) {
    if (auto restored = power_->restore(); !restored) return Failure(restored.error());
  }
  return check_after_crash(*page_.operator->());
}

}  // namespace millrace::tools
