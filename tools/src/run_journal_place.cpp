#include "run_journal_place.hpp"

#include "journal_argument.hpp"
#include "millrace/persist/survey.hpp"
#include "size_argument.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdlib.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace millrace::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "bare-run-";
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kFreshSegment = 16 * kMiB;
constexpr std::uint64_t kLeastFree = 256 * kMiB;
constexpr std::chrono::minutes kOldEnough{1};

std::string from_environment(const char* name, const char* below) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value != '/' ? std::string() : std::string(value) + below;
}

// Where a user keeps what programs leave behind, best first.
std::vector<std::string> candidates() {
  std::vector<std::string> all;
  for (std::string path : {from_environment("XDG_STATE_HOME", "/millrace"),
                           from_environment("HOME", "/.local/state/millrace"),
                           from_environment("XDG_CACHE_HOME", "/millrace"),
                           from_environment("HOME", "/.cache/millrace"),
                           "/var/tmp/millrace-" + std::to_string(geteuid())}) {
    if (!path.empty()) all.push_back(std::move(path));
  }
  return all;
}

// A run that was killed could not tidy up after itself.
void remove_abandoned(const std::string& base) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(base, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    const auto pid = static_cast<pid_t>(std::atol(name.c_str() + std::string(kPrefix).size()));
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(ignored);
    const bool gone = pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
    // Another container counts its processes from 1 as well: an open journal tells.
    if (gone && age > kOldEnough && !holder_of_journal(entry.path())) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

Result<std::string> make_fresh(const std::string& base) {
  const auto disk = judge_directory(base);
  if (!disk) return Failure(disk.error());
  std::error_code refused;
  fs::create_directories(base, refused);
  if (refused) return fail_os(refused.value(), "cannot make %s", base.c_str());
  const auto space = fs::space(base, refused);
  if (!refused && space.available < kLeastFree) {
    return fail(Errc::no_space, "%s has only %s free", base.c_str(),
                format_size(space.available).c_str());
  }
  remove_abandoned(base);
  std::string path = base + "/" + kPrefix + std::to_string(getpid()) + "-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) {
    return fail_os(errno, "cannot make a directory in %s", base.c_str());
  }
  return path;
}

// Bytes of what lies in the directory already.
std::uint64_t bytes_in(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    const auto size = entry.file_size(ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

}  // namespace

Result<RunJournalPlace> RunJournalPlace::find(const RunOptions& options) {
  if (!options.journal.empty()) {
    auto directory = absolute_journal(options.journal);
    if (!directory) return Failure(directory.error());
    return RunJournalPlace(std::move(*directory), true, "");
  }
  if (const std::string asked = from_environment("MILLRACE_JOURNAL_DIR", ""); !asked.empty()) {
    auto fresh = make_fresh(asked);
    if (!fresh) return Failure(fresh.error());
    return RunJournalPlace(std::move(*fresh), false, "");
  }
  std::string why;
  for (const std::string& base : candidates()) {
    auto fresh = make_fresh(base);
    if (fresh) return RunJournalPlace(std::move(*fresh), false, base);
    if (why.empty()) why = fresh.error().sentence();
  }
  return fail(Errc::unsupported,
              "no directory here can be believed to keep a journal (%.200s); name one: "
              "MILLRACE_JOURNAL_DIR=DIR, or --journal DIR",
              why.c_str());
}

RunJournalPlace::RunJournalPlace(RunJournalPlace&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      kept_(other.kept_),
      base_(std::move(other.base_)) {}

RunJournalPlace::~RunJournalPlace() {
  if (kept_ || directory_.empty()) return;
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
  if (!base_.empty()) rmdir(base_.c_str());
}

JournalOptions run_journal_options(const RunOptions& options, const RunJournalPlace& place,
                                   std::uint64_t payload_bytes, std::uint64_t messages) {
  JournalOptions journal;
  journal.directory = place.directory();
  if (!place.kept()) journal.segment_bytes = kFreshSegment;
  journal.retain = options.retain;
  if (journal.retain.bytes == 0 && messages != 0) {
    constexpr std::uint64_t kRecordOverhead = 24;  // header, seal, padding
    const std::uint64_t records = payload_bytes + messages * kRecordOverhead;
    journal.retain.bytes =
        bytes_in(place.directory()) + records + records / 2 + 8 * journal.segment_bytes;
  }
  return journal;
}

}  // namespace millrace::tools
