#include "cgroup_headroom.hpp"

#include "millrace/core/kernel_text.hpp"

#include <algorithm>
#include <string_view>

namespace millrace::detail {
namespace {

// The two versions name the same things differently.
struct Version {
  std::string_view type;  // of the mount
  const char* limit;
  const char* usage;
  const char* inactive;  // page cache that is given up before anybody is killed
  const char* active;
};

constexpr Version kFirst{"cgroup", "/memory.limit_in_bytes", "/memory.usage_in_bytes",
                         "total_inactive_file ", "total_active_file "};
constexpr Version kSecond{"cgroup2", "/memory.max", "/memory.current", "inactive_file ",
                          "active_file "};

bool lists(std::string_view controllers, std::string_view wanted) noexcept {
  while (!controllers.empty()) {
    if (cut(controllers, ',') == wanted) return true;
  }
  return false;
}

void measure_level(const std::string& directory, const Version& version, Headroom& headroom) {
  const auto limit = leading_number(read_text(directory + version.limit));
  const auto usage = leading_number(read_text(directory + version.usage));
  // "max" is no number; version 1 spells "no limit" as a number near 2^63.
  if (!limit || !usage || *limit >= std::uint64_t{1} << 62) return;
  const std::string events = read_text(directory + "/memory.stat");
  const std::uint64_t cache = number_of(events, version.inactive).value_or(0) +
                              number_of(events, version.active).value_or(0);
  const std::uint64_t held = *usage - std::min(*usage, cache);
  const std::uint64_t left = *limit - std::min(*limit, held);
  if (left >= headroom.cgroup_bytes) return;
  headroom.cgroup_bytes = left;
  headroom.cgroup_limit_bytes = *limit;
  headroom.cgroup = directory;
}

// `path` is where the process is below the root of its hierarchy; a container often mounts only
// its own part of it, and a process outside its cgroup namespace has a path that climbs ("/../x").
void measure_path(const Mount& mount, std::string_view path, const Version& version,
                  Headroom& headroom) {
  std::string below;
  const std::string_view root = mount.root == "/" ? std::string_view{} : mount.root;
  const bool inside = path.starts_with(root) &&
                      (path.size() == root.size() || path[root.size()] == '/') &&
                      path.find("/..") == std::string_view::npos;
  if (inside) below = path.substr(root.size());
  while (below.ends_with('/'))
    below.pop_back();
  for (;;) {
    measure_level(mount.point + below, version, headroom);
    const std::size_t slash = below.rfind('/');
    if (slash == std::string::npos) return;
    below.resize(slash);
  }
}

}  // namespace

void measure_cgroups(const std::string& proc, Headroom& headroom) {
  const std::string memberships = read_text(proc + "/self/cgroup");
  const std::vector<Mount> mounts = read_mounts(proc + "/self/mountinfo");
  // "4:memory:/path" for version 1, "0::/path" for version 2.
  for_each_line(memberships, [&](std::string_view line) {
    static_cast<void>(cut(line, ':'));
    const std::string_view controllers = cut(line, ':');
    const bool second = controllers.empty();
    if (!second && !lists(controllers, "memory")) return;
    const Version& version = second ? kSecond : kFirst;
    for (const Mount& mount : mounts) {
      if (mount.type != version.type || (!second && !lists(mount.options, "memory"))) continue;
      measure_path(mount, line, version, headroom);
    }
  });
}

}  // namespace millrace::detail
