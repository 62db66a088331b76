// The small text files of /proc and /sys: whole files, numbers in them, and the table of mounts.
// Paths are parameters, so that tests can show a made-up machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::detail {

// The whole file, at most 1 MiB of it; empty where it cannot be read.
[[nodiscard]] std::string read_text(const std::string& path);

// The first number of a text, e.g. of a cgroup's limit file; nothing for "max" and other words.
[[nodiscard]] std::optional<std::uint64_t> leading_number(std::string_view text);

// The number that follows `key` at the beginning of a line ("MemFree:", "inactive_file").
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key);

struct Mount {
  std::uint64_t id = 0;  // as statx tells it
  std::string device;    // "MAJOR:MINOR" of the file system
  std::string root;      // which directory of the file system is mounted
  std::string point;     // where
  std::string type;      // "tmpfs", "cgroup2", ...
  std::string source;    // often a device: "/dev/vda1"
  std::string options;   // of the file system: the controllers of a cgroup v1
};

// The mounts of a mountinfo file, in mount order: the last one at a path is the one seen there.
[[nodiscard]] std::vector<Mount> read_mounts(const std::string& mountinfo_path);

// The value of one of a mount's options ("upperdir" of an overlay); nothing if it has none.
[[nodiscard]] std::optional<std::string> option_of(const Mount& mount, std::string_view name);

// When a process started, in clock ticks since boot, from its /proc/PID/stat; 0 where that cannot
// be read. With the pid it names a process for ever.
[[nodiscard]] std::uint64_t start_ticks(const std::string& stat_path);

// Calls `use` with every line.
template <class Use>
void for_each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    use(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

// Cuts the text up to the next `separator` (or all of it) off the front and returns it.
[[nodiscard]] std::string_view cut(std::string_view& text, char separator) noexcept;

}  // namespace millrace::detail
