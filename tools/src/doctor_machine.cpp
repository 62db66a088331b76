#include "finding.hpp"
#include "millrace/core/clock.hpp"
#include "millrace/core/topology.hpp"
#include "signals.hpp"
#include "small_file.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <poll.h>
#include <sstream>
#include <unistd.h>

namespace millrace::tools {
namespace {

// Jiffies of all processors together since boot.
struct ProcessorTime {
  std::uint64_t all = 0;
  std::uint64_t stolen = 0;
};

std::optional<ProcessorTime> read_processor_time() {
  std::istringstream line(read_small_file("/proc/stat").value_or(""));
  std::string word;
  line >> word;
  if (word != "cpu") return std::nullopt;
  // user nice system idle iowait irq softirq steal; guest time is part of user.
  ProcessorTime time;
  for (int field = 0; field < 8; ++field) {
    std::uint64_t jiffies = 0;
    if (!(line >> jiffies)) return std::nullopt;
    time.all += jiffies;
    if (field == 7) time.stolen = jiffies;
  }
  return time;
}

void examine_steal(Findings& findings) {
  const auto before = read_processor_time();
  pollfd end{end_descriptor(), POLLIN, 0};
  poll(&end, 1, 200);
  const auto after = read_processor_time();
  if (!before || !after || after->all <= before->all) {
    findings.push_back({"stolen time", Health::ok, "cannot be told here"});
    return;
  }
  const double now = 100.0 * static_cast<double>(after->stolen - before->stolen) /
                     static_cast<double>(after->all - before->all);
  const double ever = 100.0 * static_cast<double>(after->stolen) / static_cast<double>(after->all);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%.1f %% at this moment, %.2f %% since boot", now, ever);
  const bool much = now > 1 || ever > 1;
  findings.push_back({"stolen time", much ? Health::warn : Health::ok, text.data(),
                      much ? "the host runs others on these processors: latencies have tails that "
                             "no program can mend; take dedicated ones"
                           : ""});
}

void examine_clock(Findings& findings) {
  const ClockReport clock = Clock::local().report();
  const std::string source =
      read_small_file("/sys/devices/system/clocksource/clocksource0/current_clocksource")
          .value_or("unknown");
  std::array<char, 128> text{};
  if (clock.source == ClockSource::tsc) {
    std::snprintf(text.data(), text.size(), "invariant TSC, %.3f ns a tick, +/- %.1f ppm",
                  clock.ns_per_tick, clock.uncertainty_ppm);
    findings.push_back({"clock", Health::ok, text.data()});
    return;
  }
  std::snprintf(text.data(), text.size(), "CLOCK_MONOTONIC (clocksource %s), %.0f ns a stamp",
                source.c_str(), clock.stamp_cost_ns);
  findings.push_back({"clock", Health::warn, text.data(),
                      "stamps cost more than with an invariant TSC; boot with clocksource=tsc if "
                      "the processor has one, or ask the host for it"});
}

void examine_processors(Findings& findings) {
  const Topology& topology = Topology::machine();
  const auto allowed = allowed_cpus();
  const std::size_t ours = allowed ? allowed->size() : 0;
  Finding found{
      "processors", Health::ok,
      std::to_string(ours) + " of " + std::to_string(topology.cpus().size()) + " may be used"};
  if (ours == 1) {
    found.health = Health::warn;
    found.advice =
        "publisher and subscriber share one processor: every message costs a context "
        "switch; give them two (taskset, cpuset)";
  }
  findings.push_back(std::move(found));
  Finding nodes{"NUMA", Health::ok, std::to_string(topology.nodes().size()) + " nodes"};
  if (topology.nodes().size() == 1) nodes.what = "1 node";
  if (!topology.complete()) {
    nodes.health = Health::warn;
    nodes.what = "cannot be told";
    nodes.advice = "/sys cannot be read here, so rings cannot be placed; mount it in the container";
  } else if (topology.nodes().size() > 1) {
    nodes.advice = "keep publisher, subscriber and ring of a channel on one node";
  }
  findings.push_back(std::move(nodes));
}

void examine_governor(Findings& findings) {
  std::map<std::string, int> governors;
  for (const CpuInfo& cpu : Topology::machine().cpus()) {
    const auto governor = read_small_file("/sys/devices/system/cpu/cpu" + std::to_string(cpu.cpu) +
                                          "/cpufreq/scaling_governor");
    if (governor) ++governors[*governor];
  }
  Finding found{"CPU governor", Health::ok, ""};
  for (const auto& [name, count] : governors) {
    found.what += (found.what.empty() ? "" : ", ") + name + " on " + std::to_string(count);
    if (name != "performance") found.health = Health::warn;
  }
  if (governors.empty()) found.what = "not to be set here (the host decides)";
  if (found.health == Health::warn) {
    found.advice = "for even latencies, as root: cpupower frequency-set -g performance";
  }
  findings.push_back(std::move(found));
}

void examine_container(Findings& findings) {
  const char* kind = nullptr;
  if (access("/.dockerenv", F_OK) == 0) kind = "Docker";
  if (access("/run/.containerenv", F_OK) == 0) kind = "Podman";
  const std::string init = read_small_file("/proc/1/environ").value_or("");
  if (kind == nullptr && init.find("container=") != std::string::npos) kind = "a container";
  if (kind == nullptr) {
    findings.push_back({"container", Health::ok, "none"});
    return;
  }
  findings.push_back(
      {"container", Health::ok, kind,
       "containers that exchange messages must see one directory: mount the same "
       "tmpfs into them (-v), or share /dev/shm (--ipc=shareable, --ipc=container:)"});
}

}  // namespace

void examine_machine(Findings& findings) {
  examine_processors(findings);
  examine_clock(findings);
  examine_governor(findings);
  examine_steal(findings);
  examine_container(findings);
}

}  // namespace millrace::tools
