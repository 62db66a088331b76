// What a seed chooses before its history begins.
#pragma once

#include "sim_random.hpp"
#include "simulated_medium.hpp"

#include <millrace/persist/journal.hpp>

#include <cstdint>

namespace millrace::sim {

struct Settings {
  JournalOptions options;
  DiskFacts facts;
  std::uint64_t capacity = 0;
  std::uint64_t ring_bytes = 0;
  std::uint32_t lanes = 0;
  std::uint32_t epochs = 0;
  bool faults = false;        // the device fails now and then
  bool plant_damage = false;  // forks of the history get damage that recovery must judge
};

[[nodiscard]] Settings settings_of(Random& random);

// Faults of one epoch: usually one kind, rarely.
[[nodiscard]] Faults faults_of(const Settings& settings, Random& random);

}  // namespace millrace::sim
