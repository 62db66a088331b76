// Everything that asks hwloc: what the machine is, and strict binding of memory.
#include "millrace/core/limits.hpp"
#include "millrace/core/topology.hpp"
#include "topology_lists.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <hwloc.h>

namespace millrace {
namespace {

struct FreeBitmap {
  void operator()(hwloc_bitmap_t bitmap) const noexcept { hwloc_bitmap_free(bitmap); }
};

using Bitmap = std::unique_ptr<hwloc_bitmap_s, FreeBitmap>;

// Set once while Topology::machine() loads, before anybody can see that Topology; read-only from
// then on, which hwloc allows from any thread.
hwloc_topology_t loaded = nullptr;

unsigned logical_index_of(hwloc_obj_t unit, hwloc_obj_type_t type) noexcept {
  const hwloc_obj_t around = hwloc_get_ancestor_obj_by_type(loaded, type, unit);
  return around == nullptr ? CpuInfo::kNone : around->logical_index;
}

CpuInfo describe(hwloc_obj_t unit) noexcept {
  CpuInfo info;
  info.cpu = unit->os_index;
  info.core = logical_index_of(unit, HWLOC_OBJ_CORE);
  info.l2 = logical_index_of(unit, HWLOC_OBJ_L2CACHE);
  info.l3 = logical_index_of(unit, HWLOC_OBJ_L3CACHE);
  info.package = logical_index_of(unit, HWLOC_OBJ_PACKAGE);
  const int node = hwloc_bitmap_first(unit->nodeset);
  info.node = node < 0 ? 0 : static_cast<unsigned>(node);
  const hwloc_const_bitmap_t allowed = hwloc_topology_get_allowed_cpuset(loaded);
  info.allowed = hwloc_bitmap_isset(allowed, unit->os_index) != 0;
  return info;
}

NodeInfo describe_node(hwloc_obj_t node) noexcept {
  NodeInfo info;
  info.node = node->os_index;
  info.total_bytes = node->attr->numanode.local_memory;
  const hwloc_const_bitmap_t allowed = hwloc_topology_get_allowed_nodeset(loaded);
  info.allowed = hwloc_bitmap_isset(allowed, node->os_index) != 0;
  return info;
}

Bitmap nodes_of(Placement asked) {
  if (asked.kind == Placement::Kind::interleave) {
    return Bitmap(hwloc_bitmap_dup(hwloc_topology_get_allowed_nodeset(loaded)));
  }
  Bitmap nodes(hwloc_bitmap_alloc());
  if (nodes != nullptr && hwloc_bitmap_set(nodes.get(), asked.node) != 0) nodes.reset();
  return nodes;
}

Result<> check_node(const Topology& machine, unsigned node) {
  const NodeInfo* const info = machine.node(node);
  if (info == nullptr) {
    return fail(Errc::bad_argument, "there is no NUMA node %u on this machine: it has %s", node,
                detail::list_nodes(machine).c_str());
  }
  if (!info->allowed) {
    return fail(Errc::no_permission,
                "the cgroup keeps this process from the memory of NUMA node %u: it may use %s",
                node, detail::list_nodes(machine).c_str());
  }
  return {};
}

void explain(PlacementReport& report, const char* what, int os_error) noexcept {
  std::snprintf(report.why.data(), report.why.size(), "%s%s%s", what, os_error == 0 ? "" : ": ",
                os_error == 0 ? "" : std::strerror(os_error));
}

Failure not_bindable() noexcept {
  return fail(Errc::bad_argument,
              "cannot bind memory to a NUMA node: it must be mapped and begin on a page");
}

// A refusal of the whole mechanism is reported; a refusal of these arguments is an error.
Result<PlacementReport> after_refusal(PlacementReport report, int os_error) {
  switch (os_error) {
    case EINVAL:
    case EFAULT: return not_bindable();
    case EIO:
      return fail(Errc::bad_argument,
                  "cannot bind memory whose pages already live on another NUMA node: bind before "
                  "anything of it is allocated");
    case ENOMEM: return fail_os(os_error, "cannot bind memory to a NUMA node");
    default:
      explain(report, "the kernel or the container refuses to bind memory", os_error);
      return report;
  }
}

}  // namespace

bool Topology::load() {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return false;
  // Nodes that a cgroup forbids are listed as such, so that a refusal can say which it is.
  hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  if (hwloc_topology_load(topology) != 0) {
    hwloc_topology_destroy(topology);
    return false;
  }
  loaded = topology;
  for (hwloc_obj_t unit = nullptr;
       (unit = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, unit)) != nullptr;) {
    cpus_.push_back(describe(unit));
  }
  for (hwloc_obj_t node = nullptr;
       (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)) != nullptr;) {
    nodes_.push_back(describe_node(node));
  }
  return !cpus_.empty() && !nodes_.empty();
}

namespace {

Result<PlacementReport> bind(void* address, std::size_t bytes, Placement asked, int migrate) {
  PlacementReport report;
  report.asked = asked;
  report.honoured = asked.kind == Placement::Kind::any;
  if (report.honoured) return report;
  if (asked.kind != Placement::Kind::node && asked.kind != Placement::Kind::interleave) {
    return fail(Errc::bad_argument,
                "a placement near somebody must come to a node before it binds");
  }
  // hwloc would round down, and bind a page that belongs to somebody else.
  if (reinterpret_cast<std::uintptr_t>(address) % kPageBytes != 0) return not_bindable();
  const Topology& machine = Topology::machine();
  if (asked.kind == Placement::Kind::node) {
    if (const Result<> known = check_node(machine, asked.node); !known) {
      return std::unexpected(known.error());
    }
  }
  if (!machine.complete()) {
    explain(report, "the NUMA nodes of this machine cannot be read (is /sys there?)", 0);
    return report;
  }
  if (hwloc_topology_is_thissystem(loaded) == 0) {
    explain(report, "hwloc describes another machine (HWLOC_* in the environment)", 0);
    return report;
  }
  const Bitmap nodes = nodes_of(asked);
  if (nodes == nullptr) return fail_os(ENOMEM, "cannot bind memory to a NUMA node");
  const bool one_node = asked.kind == Placement::Kind::node;
  const hwloc_membind_policy_t policy = one_node ? HWLOC_MEMBIND_BIND : HWLOC_MEMBIND_INTERLEAVE;
  const int flags = HWLOC_MEMBIND_STRICT | HWLOC_MEMBIND_BYNODESET | migrate;
  if (hwloc_set_area_membind(loaded, address, bytes, nodes.get(), policy, flags) != 0) {
    return after_refusal(report, errno);
  }
  report.honoured = true;
  return report;
}

}  // namespace

Result<PlacementReport> bind_memory(void* address, std::size_t bytes, Placement asked) {
  return bind(address, bytes, asked, 0);
}

Result<PlacementReport> move_memory(void* address, std::size_t bytes, Placement asked) {
  if (asked.kind == Placement::Kind::node && Topology::machine().node(asked.node) != nullptr) {
    detail::move_pages_of_all(address, bytes, asked.node);
  }
  return bind(address, bytes, asked, HWLOC_MEMBIND_MIGRATE);
}

}  // namespace millrace
