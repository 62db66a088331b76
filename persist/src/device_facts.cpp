#include "millrace/persist/device_facts.hpp"

#include "file_system.hpp"
#include "millrace/core/descriptor.hpp"
#include "millrace/core/kernel_text.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

namespace millrace {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  const std::string text = detail::read_text(path.string());
  return text.substr(0, text.find('\n'));
}

std::vector<fs::path> entries(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code refused;
  for (fs::directory_iterator at(directory, refused), end; !refused && at != end;
       at.increment(refused)) {
    found.push_back(at->path());
  }
  return found;
}

// "0-2,5"
void add_cpus(std::string_view list, std::set<unsigned>& cpus) {
  constexpr unsigned kCpusMax = 8192;
  while (!list.empty()) {
    const std::string_view part = detail::cut(list, ',');
    const char* const end = part.data() + part.size();
    unsigned first = 0;
    const auto [after, error] = std::from_chars(part.data(), end, first);
    if (error != std::errc{}) continue;
    unsigned last = first;
    if (after != end && *after == '-') std::from_chars(after + 1, end, last);
    for (unsigned cpu = first; cpu <= std::min(last, kCpusMax); ++cpu)
      cpus.insert(cpu);
  }
}

void add_interrupt(const std::string& root, std::string_view number, std::set<unsigned>& cpus) {
  const std::string directory = root + "/proc/irq/" + std::string(number);
  std::string list = first_line(directory + "/effective_affinity_list");
  if (list.empty()) list = first_line(directory + "/smp_affinity_list");
  add_cpus(list, cpus);
}

// Whether a line of /proc/interrupts ends with the name of one of this device's request queues:
// "virtio1-req.0", "nvme0q3". Queue 0 of an nvme controller carries only administration.
bool is_queue_of(std::string_view action, std::string_view controller) {
  if (!action.starts_with(controller)) return false;
  action.remove_prefix(controller.size());
  if (action.starts_with("-req")) return true;
  return action.size() > 1 && action[0] == 'q' && action[1] >= '1' && action[1] <= '9';
}

// The part of a device's place in /sys that its interrupts are named after ("virtio1", "nvme0").
std::string controller_of(const fs::path& place) {
  std::string found;
  for (const fs::path& part : place) {
    const std::string name = part.string();
    const bool virtio = name.starts_with("virtio");
    const bool nvme = name.starts_with("nvme") && name.find('n', 1) == std::string::npos;
    if (virtio || nvme) found = name;
  }
  return found;
}

void add_named_interrupts(const std::string& root, const std::string& controller,
                          std::set<unsigned>& cpus) {
  const std::string table = detail::read_text(root + "/proc/interrupts");
  detail::for_each_line(table, [&](std::string_view line) {
    const std::string_view action = line.substr(line.find_last_of(' ') + 1);
    if (!is_queue_of(action, controller)) return;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    add_interrupt(root, detail::cut(line, ':'), cpus);
  });
}

// Other controllers: all interrupts of the nearest device above that has any.
void add_interrupts_above(const std::string& root, fs::path place, std::set<unsigned>& cpus) {
  for (; place.has_relative_path() && place.filename() != "devices"; place = place.parent_path()) {
    for (const fs::path& interrupt : entries(place / "msi_irqs"))
      add_interrupt(root, interrupt.filename().string(), cpus);
    if (cpus.empty()) {
      const std::string single = first_line(place / "irq");
      if (!single.empty() && single != "0") add_interrupt(root, single, cpus);
    }
    if (!cpus.empty()) return;
  }
}

void add_interrupt_cpus(const std::string& root, const fs::path& device, int levels,
                        std::set<unsigned>& cpus) {
  constexpr int kLevelsMax = 4;  // device mapper over RAID over ...
  std::error_code refused;
  const fs::path place = fs::canonical(device, refused);
  if (refused || levels == kLevelsMax) return;
  const auto below = entries(place / "slaves");
  for (const fs::path& part : below)
    add_interrupt_cpus(root, part, levels + 1, cpus);
  if (!below.empty()) return;
  if (place.string().find("/virtual/") != std::string::npos) return;
  const std::string controller = controller_of(place);
  if (!controller.empty()) add_named_interrupts(root, controller, cpus);
  if (cpus.empty()) add_interrupts_above(root, place, cpus);
}

}  // namespace

DeviceFacts facts_of_device(const std::string& number, const std::string& root) {
  DeviceFacts facts;
  facts.write_cache = "unknown";
  std::error_code refused;
  fs::path place = fs::canonical(root + "/sys/dev/block/" + number, refused);
  if (number.empty() || refused) return facts;
  facts.number = number;
  facts.name = place.filename().string();
  // A partition's queue is that of its disk.
  if (fs::exists(place / "partition", refused)) place = place.parent_path();
  const std::string cache = first_line(place / "queue/write_cache");
  if (!cache.empty()) facts.write_cache = cache;
  if (const auto fua = detail::leading_number(first_line(place / "queue/fua"))) {
    facts.fua = *fua != 0;
  }
  facts.physical_block = static_cast<std::uint32_t>(
      detail::leading_number(first_line(place / "queue/physical_block_size")).value_or(0));
  std::set<unsigned> cpus;
  add_interrupt_cpus(root, place, 0, cpus);
  facts.interrupt_cpus.assign(cpus.begin(), cpus.end());
  return facts;
}

Result<DeviceFacts> device_facts(const std::string& directory) {
  const Descriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return fail_os(errno, "cannot open the directory %s", directory.c_str());
  const auto found = file_system_of(opened.get(), directory);
  if (!found) return std::unexpected(found.error());
  return facts_of_device(found->device);
}

}  // namespace millrace
