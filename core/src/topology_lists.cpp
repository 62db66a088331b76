#include "topology_lists.hpp"

#include <cstddef>
#include <span>

namespace millrace::detail {
namespace {

// Ascending numbers; runs of three or more become a range.
std::string ranges_of(std::span<const unsigned> numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
      ++end;
    if (end - i == 2) end = i + 1;
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[i]);
    if (end - i > 2) text += '-' + std::to_string(numbers[end - 1]);
    i = end;
  }
  return text.empty() ? "none" : text;
}

}  // namespace

std::string list_cpus(const Topology& machine) {
  std::vector<unsigned> numbers;
  for (const CpuInfo& info : machine.cpus()) {
    if (info.allowed) numbers.push_back(info.cpu);
  }
  return ranges_of(numbers);
}

std::string list_nodes(const Topology& machine) {
  std::vector<unsigned> numbers;
  for (const NodeInfo& info : machine.nodes()) {
    if (info.allowed) numbers.push_back(info.node);
  }
  return ranges_of(numbers);
}

}  // namespace millrace::detail
