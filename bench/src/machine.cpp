#include "machine.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <sys/utsname.h>

namespace millrace::bench {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string governor_of(int cpu) {
  const std::string line =
      first_line("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_governor");
  return line.empty() ? "not visible" : line;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(line.find_first_not_of(" \t", colon + 1));
    }
  }
  return "unknown";
}

}  // namespace

Machine look_at_machine(const std::vector<int>& cpus) {
  Machine machine;
  utsname name{};
  if (uname(&name) == 0) machine.kernel = std::string(name.release) + " " + name.machine;
  machine.processor = processor_name();
  for (const int cpu : cpus) {
    const std::string governor = governor_of(cpu);
    if (machine.governor == governor) continue;
    machine.governor += machine.governor.empty() ? governor : ", " + governor;
  }
  machine.clock = first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
#if defined(__clang__)
  machine.compiler = "clang " __clang_version__;
#else
  machine.compiler = "g++ " __VERSION__;
#endif
#if !defined(NDEBUG)
  machine.compiler += ", not a release build: the numbers mean nothing";
#endif
  machine.pages = "4 KiB, prefaulted";
  return machine;
}

CpuTicks cpu_ticks(const std::vector<int>& cpus) {
  CpuTicks ticks;
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    const auto named = [&name](int cpu) { return name == "cpu" + std::to_string(cpu); };
    if (std::none_of(cpus.begin(), cpus.end(), named)) continue;
    constexpr int kSteal = 7;  // user nice system idle iowait irq softirq steal
    std::uint64_t value = 0;
    for (int column = 0; column <= kSteal && words >> value; ++column) {
      ticks.all += value;
      if (column == kSteal) ticks.stolen += value;
    }
  }
  return ticks;
}

double stolen_percent(const CpuTicks& before, const CpuTicks& after) noexcept {
  if (after.all <= before.all) return 0;
  return 100.0 * static_cast<double>(after.stolen - before.stolen) /
         static_cast<double>(after.all - before.all);
}

}  // namespace millrace::bench
