#include "durable_rows.hpp"
#include "fio.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/persist/journal_reader.hpp"
#include "millrace/persist/verify.hpp"
#include "store.hpp"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace millrace::bench {

namespace {

constexpr std::size_t kMessageBytes = 1016;
constexpr std::size_t kGroup = 240;

std::string log_home(const DurableOptions& options) {
  return options.directory + "/read";
}

// One log for all rounds; made when it is first asked for.
Result<void> fill(const DurableOptions& options) {
  if (std::filesystem::exists(log_home(options))) return {};
  std::filesystem::create_directories(log_home(options));
  auto store = journal_kind().make(log_home(options));
  if (!store) return Failure(store.error());
  std::array<std::byte, kMessageBytes> message{};
  for (std::uint64_t done = 0; done < options.verify_bytes; done += kGroup * (kMessageBytes + 8)) {
    message[0] = static_cast<std::byte>(done >> 10);
    if (auto made = (*store)->commit(message, kGroup); !made) return made;
  }
  return {};
}

// What the page cache holds of the log is dropped: the disk is measured, not memory.
void forget_pages(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    (void)fdatasync(fd);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)::close(fd);
  }
}

std::uint64_t bytes_read_by_us() {
  std::ifstream file("/proc/self/io");
  for (std::string name; file >> name;) {
    std::uint64_t value = 0;
    file >> value;
    if (name == "read_bytes:") return value;
  }
  return 0;
}

Result<Run> verify(const DurableOptions& options) {
  if (auto filled = fill(options); !filled) return Failure(filled.error());
  const std::string directory = log_home(options) + "/journal";
  forget_pages(directory);
  const std::uint64_t began = monotonic_ns();
  const auto report = verify_journal({.directory = directory});
  if (!report) return Failure(report.error());
  if (!report->damages.empty()) return fail(Errc::damaged, "the bench's own log is damaged");
  const double seconds = static_cast<double>(monotonic_ns() - began) * 1e-9;
  return Run{.value = static_cast<double>(report->bytes) / seconds / 1e6,
             .more = {static_cast<double>(report->messages) / seconds / 1e6}};
}

Result<Run> replay(const DurableOptions& options) {
  if (auto filled = fill(options); !filled) return Failure(filled.error());
  const std::string directory = log_home(options) + "/journal";
  forget_pages(directory);
  const std::uint64_t began = monotonic_ns();
  auto reader = JournalReader::open(directory);
  if (!reader) return Failure(reader.error());
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  for (;;) {
    const auto message = reader->next();
    if (!message) return Failure(message.error());
    if (!*message) break;
    ++messages;
    bytes += (*message)->bytes.size() + 8;
  }
  const double seconds = static_cast<double>(monotonic_ns() - began) * 1e-9;
  return Run{.value = static_cast<double>(bytes) / seconds / 1e6,
             .more = {static_cast<double>(messages) / seconds / 1e6}};
}

// Opens for writing after a crash: nobody closed the log. The value is how much it read.
Result<Run> open_again(const DurableOptions& options) {
  if (auto filled = fill(options); !filled) return Failure(filled.error());
  forget_pages(log_home(options) + "/journal");
  const std::uint64_t before = bytes_read_by_us();
  const std::uint64_t began = monotonic_ns();
  JournalOptions opening;
  opening.directory = log_home(options) + "/journal";
  auto journal = Journal::open(opening);
  if (!journal) return Failure(journal.error());
  const double milliseconds = static_cast<double>(monotonic_ns() - began) * 1e-6;
  const auto bytes = static_cast<double>(bytes_read_by_us() - before);
  return Run{.value = bytes / static_cast<double>(opening.segment_bytes), .more = {milliseconds}};
}

Result<Run> raw_read(const DurableOptions& options) {
  const auto fio = run_fio({.directory = options.directory,
                            .read = true,
                            .block_bytes = 1 << 20,
                            .depth = 4,
                            .seconds = options.seconds});
  if (!fio) return Failure(fio.error());
  return Run{.value = fio->bytes_per_second / 1e6, .more = {0}};
}

}  // namespace

std::vector<Row> read_rows(const DurableOptions& options) {
  const Entrant device{"fio, read, direct, 1 MiB, depth 4", [=] { return raw_read(options); },
                       why_no_fio()};
  const std::string size = std::to_string(options.verify_bytes >> 20) + " MiB";
  return {
      {.name = "verify",
       .unit = "MB/s",
       .what = "every byte of a log of " + size + " checked, from the disk",
       .more = {"M messages/s"},
       .better = Better::higher,
       .goal = 0.8,
       .entrants = {{"millrace journal verify", [=] { return verify(options); }, ""}, device}},
      {.name = "replay",
       .unit = "MB/s",
       .what = "every message of that log handed out again, from the disk",
       .more = {"M messages/s"},
       .better = Better::higher,
       .goal = 0,
       .entrants = {{"JournalReader", [=] { return replay(options); }, ""}, device}},
      {.name = "open",
       .unit = "segments read",
       .what = "opening that log after a crash: the last two segments are read whole, the others "
               "a block each",
       .more = {"milliseconds"},
       .better = Better::lower,
       .goal = 0,
       .entrants = {{"Journal::open", [=] { return open_again(options); }, ""}}}};
}

}  // namespace millrace::bench
