#include "crashtest_writer.hpp"

#include "crashtest_page.hpp"
#include "millrace/persist/recorder.hpp"
#include "report.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace millrace::tools {
namespace {

constexpr std::chrono::milliseconds kPatience{100};
constexpr std::chrono::milliseconds kRound{50};
// So many messages are published before it waits for the disk; every lane another number, so that
// both kinds of load are there: single messages waited for, and a stream.
constexpr std::array<std::uint64_t, kCrashPublishers> kTogether = {1, 64};

void leave_word(CrashPage& page, const Error& error) noexcept {
  const std::string_view sentence = error.sentence();
  std::memcpy(page.sentence.data(), sentence.data(),
              std::min(sentence.size(), page.sentence.size() - 1));
  // [sync:crash-failed] Release. Without it half a sentence could be printed.
  page.failed.store(1, std::memory_order_release);
}

// Patient with a full ring and a slow disk; every other error ends the writer.
bool passing(const Error& error) noexcept {
  return error.code() == Errc::timeout || error.code() == Errc::full;
}

Result<void> publish(const Channel& channel, CrashPage& page, std::uint32_t number) {
  PublisherOptions options;
  options.name = crash_publisher_name(number);
  auto publisher = channel.publisher(options);
  if (!publisher) return Failure(publisher.error());
  CrashPage::Lane& lane = page.lanes[number];
  std::vector<std::byte> message;
  for (;;) {
    const Sequence sequence = publisher->next_sequence();
    make_crash_message(page.seed, number, sequence, message);
    const auto sent = publisher->send_for(kPatience, message);
    if (!sent && !passing(sent.error())) return Failure(sent.error());
    if (!sent) continue;
    lane.published.store(sequence + 1, std::memory_order_relaxed);
    if ((sequence + 1) % kTogether[number] != 0) continue;
    for (;;) {
      const auto durable = publisher->wait_durable(sequence, kPatience);
      if (durable) break;
      if (!passing(durable.error())) return Failure(durable.error());
    }
    // Relaxed: the kernel shows a killed process's stores to whoever waited for its end.
    lane.durable.store(sequence + 1, std::memory_order_relaxed);
  }
}

Result<void> write_until_killed(CrashPage& page) {
  auto domain =
      Domain::open({.path = page.domain.data(), .participant = "crashtest", .create = true});
  if (!domain) return Failure(domain.error());
  ChannelOptions options;
  options.durable = true;
  options.journal = page.journal.data();
  auto channel = domain->channel(kCrashChannel, options);
  if (!channel) return Failure(channel.error());
  JournalOptions journal;
  journal.directory = page.journal.data();
  journal.segment_bytes = page.segment_bytes;
  journal.retain.bytes = page.retain_bytes;
  journal.wait_for_lock = true;  // of the one before: its last writes may still be on their way
  auto recorder = Recorder::open(*domain, journal, {kCrashChannel});
  if (!recorder) return Failure(recorder.error());
  page.recording.store(1, std::memory_order_relaxed);
  std::vector<std::thread> publishers;
  for (std::uint32_t each = 0; each < kCrashPublishers; ++each) {
    publishers.emplace_back([&, each] {
      const auto done = publish(*channel, page, each);
      leave_word(page, done.error());  // it only comes back with an error
      _exit(kCheckFailed);
    });
  }
  for (;;) {
    if (auto done = recorder->round(kRound); !done) {
      leave_word(page, done.error());
      _exit(kCheckFailed);
    }
  }
}

}  // namespace

int live_as_crash_writer() {
  auto memory = CrashMemory::attach(kCrashPageFd);
  if (!memory) return report(memory.error(), false);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    std::signal(signal, SIG_IGN);  // the whole foreground group hears Ctrl-C
  const auto done = write_until_killed(*memory->operator->());
  leave_word(*memory->operator->(), done.error());
  return kCheckFailed;
}

}  // namespace millrace::tools
