#include "millrace/core/kernel_text.hpp"
#include "millrace/core/participant_info.hpp"

#include <algorithm>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

namespace millrace {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { closedir(directory); }
};

// The numbers that name the entries of a directory of /proc; none if it may not be read.
std::vector<std::uint32_t> numbered_entries(const std::string& path) {
  std::vector<std::uint32_t> numbers;
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
  if (!directory) return numbers;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) numbers.push_back(number);
  }
  return numbers;
}

bool same_file(const struct stat& left, const struct stat& right) noexcept {
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

// Observers open the file as well; only the kernel's note of the lock tells who holds it.
bool holds_lock(const std::string& process, const struct stat& wanted) {
  for (const std::uint32_t number : numbered_entries(process + "/fd")) {
    struct stat facts {};

    const std::string fd = std::to_string(number);
    if (stat((process + "/fd/" + fd).c_str(), &facts) != 0 || !same_file(facts, wanted)) continue;
    const std::string notes = detail::read_text(process + "/fdinfo/" + fd);
    if (notes.find("OFDLCK") != std::string::npos && notes.find("WRITE") != std::string::npos) {
      return true;
    }
  }
  return false;
}

LockHolder introduce(std::uint32_t pid, const std::string& process) {
  LockHolder holder;
  holder.pid = pid;
  holder.command = detail::read_text(process + "/comm");
  while (!holder.command.empty() && holder.command.back() == '\n')
    holder.command.pop_back();
  std::ranges::replace_if(
      holder.command, [](char c) { return c < ' ' || c > '~'; }, '?');
  holder.dumping =
      detail::read_text(process + "/status").find("CoreDumping:\t1") != std::string::npos;
  return holder;
}

}  // namespace

std::vector<LockHolder> holders(int domain_fd, ParticipantName name) {
  std::vector<LockHolder> found;

  struct stat wanted {};

  const std::string path = std::string(kParticipantsDirectory) + '/' + to_string(name);
  if (fstatat(domain_fd, path.c_str(), &wanted, AT_SYMLINK_NOFOLLOW) != 0) return found;
  for (const std::uint32_t pid : numbered_entries("/proc")) {
    const std::string process = "/proc/" + std::to_string(pid);
    if (holds_lock(process, wanted)) found.push_back(introduce(pid, process));
  }
  return found;
}

}  // namespace millrace
