#include "millrace/core/topology.hpp"

#include "topology_lists.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <sched.h>

namespace millrace {
namespace {

// Larger than any machine; the kernel refuses a set that is smaller than its own.
constexpr int kCpusMax = 1 << 14;

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};

using CpuSet = std::unique_ptr<cpu_set_t, FreeCpuSet>;

constexpr bool same(unsigned left, unsigned right) noexcept {
  return left == right && left != CpuInfo::kNone;
}

}  // namespace

const char* to_string(Sharing sharing) noexcept {
  switch (sharing) {
    case Sharing::cpu: return "cpu";
    case Sharing::core: return "core";
    case Sharing::l2: return "l2";
    case Sharing::l3: return "l3";
    case Sharing::node: return "node";
    case Sharing::package: return "package";
    case Sharing::machine: return "machine";
  }
  return "unknown";
}

const Topology& Topology::machine() {
  // Never destroyed: threads may still ask while the process exits.
  static const Topology* const machine = new Topology;
  return *machine;
}

Topology::Topology() : complete_(load()) {
  if (!complete_) assume_one_node();
  std::ranges::sort(cpus_, {}, &CpuInfo::cpu);
  std::ranges::sort(nodes_, {}, &NodeInfo::node);
}

void Topology::assume_one_node() {
  cpus_.clear();
  const Result<std::vector<unsigned>> allowed = allowed_cpus();
  for (const unsigned cpu : allowed ? *allowed : std::vector<unsigned>{current_cpu()}) {
    cpus_.emplace_back().cpu = cpu;
  }
  nodes_.assign(1, NodeInfo{});
}

const CpuInfo* Topology::cpu(unsigned cpu) const noexcept {
  const auto at = std::ranges::lower_bound(cpus_, cpu, {}, &CpuInfo::cpu);
  return at != cpus_.end() && at->cpu == cpu ? &*at : nullptr;
}

const NodeInfo* Topology::node(unsigned node) const noexcept {
  const auto at = std::ranges::lower_bound(nodes_, node, {}, &NodeInfo::node);
  return at != nodes_.end() && at->node == node ? &*at : nullptr;
}

Sharing Topology::sharing(unsigned cpu, unsigned other) const noexcept {
  const CpuInfo* const left = this->cpu(cpu);
  const CpuInfo* const right = this->cpu(other);
  if (left == nullptr || right == nullptr) return Sharing::machine;
  if (left == right) return Sharing::cpu;
  if (same(left->core, right->core)) return Sharing::core;
  if (same(left->l2, right->l2)) return Sharing::l2;
  if (same(left->l3, right->l3)) return Sharing::l3;
  if (nodes_.size() > 1 && left->node == right->node) return Sharing::node;
  if (same(left->package, right->package)) return Sharing::package;
  return Sharing::machine;
}

Result<unsigned> node_of_cpu(unsigned cpu) {
  const Topology& machine = Topology::machine();
  if (const CpuInfo* const info = machine.cpu(cpu); info != nullptr) return info->node;
  return fail(Errc::bad_argument, "there is no processor %u on this machine: it has %s", cpu,
              detail::list_cpus(machine).c_str());
}

Result<std::vector<unsigned>> allowed_cpus() {
  const CpuSet set(CPU_ALLOC(kCpusMax));
  const std::size_t bytes = CPU_ALLOC_SIZE(kCpusMax);
  if (set == nullptr) return fail_os(ENOMEM, "cannot ask which processors this thread may use");
  CPU_ZERO_S(bytes, set.get());
  if (::sched_getaffinity(0, bytes, set.get()) != 0) {
    return fail_os(errno, "cannot ask which processors this thread may use");
  }
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < kCpusMax; ++cpu) {
    if (CPU_ISSET_S(cpu, bytes, set.get())) cpus.push_back(cpu);
  }
  return cpus;
}

unsigned current_cpu() noexcept {
  const int cpu = ::sched_getcpu();
  return cpu < 0 ? 0 : static_cast<unsigned>(cpu);
}

Result<> pin_this_thread(unsigned cpu) {
  const CpuSet set(CPU_ALLOC(kCpusMax));
  const std::size_t bytes = CPU_ALLOC_SIZE(kCpusMax);
  if (set == nullptr) return fail_os(ENOMEM, "cannot pin this thread to processor %u", cpu);
  CPU_ZERO_S(bytes, set.get());
  if (cpu < kCpusMax) CPU_SET_S(cpu, bytes, set.get());
  if (cpu < kCpusMax && ::sched_setaffinity(0, bytes, set.get()) == 0) return {};
  if (cpu >= kCpusMax || errno == EINVAL) {
    return fail(Errc::bad_argument,
                "this thread cannot run on processor %u: it does not exist, is offline, or the "
                "cgroup forbids it; there are %s",
                cpu, detail::list_cpus(Topology::machine()).c_str());
  }
  return fail_os(errno, "cannot pin this thread to processor %u", cpu);
}

}  // namespace millrace
