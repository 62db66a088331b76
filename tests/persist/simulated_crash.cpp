// What the medium becomes when the process dies or the power fails.
#include "simulated_medium.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace::sim {

void SimulatedMedium::interrupt_operations(Crash kind) {
  std::vector<Operation> begun = std::exchange(in_flight_, {});
  while (!begun.empty()) {
    const auto one = begun.begin() + static_cast<std::ptrdiff_t>(random.below(begun.size()));
    switch (one->kind) {
      case Operation::Kind::write:
        if (kind == Crash::kill) in_flight_.push_back(*one);
        if (kind == Crash::power) tear(*one);
        if (kind == Crash::reboot) land(*one, true);
        break;
      case Operation::Kind::flush:
        if (random.one_in(2)) flush(one->file, one->tick);
        break;
      case Operation::Kind::prepare: tear_preparation(*one); break;
    }
    begun.erase(one);
  }
}

void SimulatedMedium::lose_power() {
  // Of each file all, nothing, or some of what was volatile survives.
  for (auto& [name, file] : files_) {
    const std::uint64_t style = random.below(3);
    for (const auto& [index, unsure] : file.unsure) {
      const bool lost = style == 0 || (style == 1 && random.one_in(2));
      if (lost || unsure.forgotten) {
        std::ranges::copy(unsure.stable, sector(file, index).begin());
        file.unreadable.erase(index);
      }
    }
    file.unsure.clear();
  }
  for (auto& [name, file] : files_)
    file.name_durable |= random.one_in(2);
  std::erase_if(files_, [](const auto& one) { return !one.second.name_durable; });
  for (auto& [name, file] : unlinked_) {
    file.unsure.clear();
    if (random.one_in(2)) files_.try_emplace(name, std::move(file));
  }
  unlinked_.clear();
}

void SimulatedMedium::crash(Crash kind) {
  ++life_;
  fuse_ = 0;
  if (kind == Crash::power) {
    // In this order: a torn write is torn over whatever the cache had kept or lost.
    const std::vector<Operation> begun = std::exchange(in_flight_, {});
    lose_power();
    in_flight_ = begun;
  }
  interrupt_operations(kind);
  if (kind == Crash::power) lose_power();
  if (kind == Crash::reboot) flush_everything();
  if (kind == Crash::reboot || random.one_in(3)) {
    // The page cache may drop what it takes for clean; a reboot drops it all.
    for (auto& [name, file] : files_) {
      std::erase_if(file.unsure, [&](const auto& one) {
        if (!one.second.forgotten) return false;
        std::ranges::copy(one.second.stable, sector(file, one.first).begin());
        return true;
      });
    }
  }
  if (kind != Crash::kill) {
    ++boot_;
    booted_ns_ = clock_ns_;
    clock_ns_ += random.below(1'000'000'000);
  }
}

void SimulatedMedium::crash_after(std::uint64_t operations, Crash kind) noexcept {
  fuse_ = operations;
  fuse_kind_ = kind;
}

bool SimulatedMedium::spend() {
  if (fuse_ == 0 || --fuse_ != 0) return false;
  crash(fuse_kind_);
  return true;
}

bool SimulatedMedium::settle(bool all) {
  std::size_t count = all ? in_flight_.size() : random.below(in_flight_.size() + 1);
  for (; count > 0; --count) {
    const auto one =
        in_flight_.begin() + static_cast<std::ptrdiff_t>(random.below(in_flight_.size()));
    if (random.chance(faults.write_error)) {
      tear(*one);
    } else {
      land(*one, one->durable);
    }
    in_flight_.erase(one);
    pass(1'000'000);
  }
  return in_flight_.empty();
}

}  // namespace millrace::sim
