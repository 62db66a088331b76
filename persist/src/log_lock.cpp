#include "log_lock.hpp"

#include "millrace/core/kernel_text.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <thread>
#include <unistd.h>

namespace millrace {
namespace {

using std::chrono::steady_clock;

constexpr unsigned kFileMode = 0600;
constexpr std::chrono::milliseconds kRetry{10};
constexpr std::chrono::seconds kReport{1};
constexpr std::size_t kContentMax = 256;

std::string boot_text() {
  const std::string text = detail::read_text("/proc/sys/kernel/random/boot_id");
  const std::string boot = text.substr(0, text.find('\n'));
  return boot.empty() ? "unknown" : boot;
}

std::string own_name() {
  std::string name = detail::read_text("/proc/self/comm");
  name = name.substr(0, name.find('\n'));
  for (char& letter : name) {
    if (letter < ' ' || letter > '~') letter = '?';
  }
  return name.empty() ? "?" : name;
}

std::string content_of(int fd) {
  std::array<char, kContentMax> content{};
  const ssize_t got = pread(fd, content.data(), content.size(), 0);
  return got <= 0 ? std::string() : std::string(content.data(), static_cast<std::size_t>(got));
}

// The pid in the file may have been given to another process since, or not be written yet.
Failure busy(int fd, const std::string& path) {
  const auto holder = parse_holder(content_of(fd));
  if (!holder) {
    return fail(Errc::busy, "the journal %s is in use by a process that has not said its name yet",
                path.c_str());
  }
  const std::string stat_path = "/proc/" + std::to_string(holder->pid) + "/stat";
  if (holder->boot == boot_text() && detail::start_ticks(stat_path) == holder->start_ticks) {
    return fail(Errc::busy, "the journal %s is in use by process %" PRIu32 " (%s)", path.c_str(),
                holder->pid, holder->name.c_str());
  }
  return fail(Errc::busy,
              "the journal %s was in use by process %" PRIu32
              " (%s), a process that is gone, whose last writes are still on their way",
              path.c_str(), holder->pid, holder->name.c_str());
}

// 0, or the errno.
int try_lock(int fd) noexcept {
  struct flock whole {};

  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return fcntl(fd, F_OFD_SETLK, &whole) == 0 ? 0 : errno;
}

Result<int> open_lock(int directory_fd, const std::string& path) {
  // A child must never hold a copy that nobody closes.
  const detail::ForkPause pause;
  const int fd =
      openat(directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, kFileMode);
  if (fd < 0) return fail_os(errno, "cannot open the lock of the journal %s", path.c_str());
  if (detail::close_in_child(fd)) return fd;
  close(fd);
  return fail(Errc::too_many, "this process holds %u locks already: close some",
              detail::kLifetimeLocksMax);
}

}  // namespace

std::optional<LogLockHolder> parse_holder(std::string_view content) {
  if (content.empty() || content.back() != '\n') return std::nullopt;
  content.remove_suffix(1);
  LogLockHolder holder;
  const auto pid = detail::leading_number(detail::cut(content, ' '));
  const auto ticks = detail::leading_number(detail::cut(content, ' '));
  holder.boot = detail::cut(content, ' ');
  holder.name = content.substr(0, 64);
  if (!pid || !ticks || *pid == 0 || *pid > UINT32_MAX || holder.boot.empty()) return std::nullopt;
  for (const char letter : holder.name) {
    if (letter < ' ' || letter > '~') return std::nullopt;
  }
  holder.pid = static_cast<std::uint32_t>(*pid);
  holder.start_ticks = *ticks;
  return holder;
}

std::string to_content(const LogLockHolder& holder) {
  return std::to_string(holder.pid) + " " + std::to_string(holder.start_ticks) + " " + holder.boot +
         " " + holder.name + "\n";
}

Result<void> LogLock::take(int directory_fd, const std::string& path,
                           bool (*waiting)(void* context, const Error& why), void* context) {
  const auto opened = open_lock(directory_fd, path);
  if (!opened) return std::unexpected(opened.error());
  close_own();
  fd_ = *opened;
  auto report_at = steady_clock::now();
  for (;;) {
    const int refused = try_lock(fd_);
    if (refused == 0) break;
    if (refused != EAGAIN && refused != EACCES && refused != EINTR) {
      close_own();
      return fail_os(refused, "cannot lock the journal %s: its file system must support OFD locks",
                     path.c_str());
    }
    if (steady_clock::now() >= report_at) {
      const Failure why = busy(fd_, path);
      if (waiting == nullptr || !waiting(context, why.error())) {
        close_own();
        return why;
      }
      report_at += kReport;
    }
    std::this_thread::sleep_for(kRetry);
  }
  const std::string content =
      to_content({static_cast<std::uint32_t>(getpid()), detail::start_ticks("/proc/self/stat"),
                  boot_text(), own_name()});
  // Only a courtesy to whoever finds it busy: nothing depends on it.
  if (ftruncate(fd_, 0) == 0) (void)!pwrite(fd_, content.data(), content.size(), 0);
  return {};
}

void LogLock::give_back() noexcept {
  if (fd() < 0) return;

  struct flock whole {};

  whole.l_type = F_UNLCK;
  whole.l_whence = SEEK_SET;
  fcntl(fd_, F_OFD_SETLK, &whole);
}

void LogLock::close_own() noexcept {
  // In a child the number is closed already and may name another file by now.
  if (fd_ < 0 || guard_.foreign()) return;
  const detail::ForkPause pause;
  detail::forget_in_child(fd_);
  close(fd_);
  fd_ = -1;
}

LogLock::~LogLock() {
  close_own();
}

}  // namespace millrace
