#include "sim_settings.hpp"

namespace millrace::sim {

namespace {

// As small as the log allows, so that segments switch and are recycled all the time.
constexpr std::uint64_t kSegmentBytes = 64U << 10;
constexpr std::uint64_t kItemBytes = 16U << 10;

}  // namespace

Settings settings_of(Random& random) {
  Settings settings;
  JournalOptions& options = settings.options;
  options.directory = "a simulated disk";
  options.segment_bytes = kSegmentBytes;
  options.item_bytes = kItemBytes;
  options.depth = static_cast<std::uint32_t>(random.between(1, 4));
  options.retain.bytes = random.between(3, 5) * kSegmentBytes;
  options.compress = random.one_in(4);
  options.wait_for_lock = true;
  options.spares = static_cast<std::uint32_t>(random.between(1, 2));

  DiskFacts& facts = settings.facts;
  const std::uint64_t mode = random.below(4);
  facts.durability = mode < 2    ? Durability::dsync
                     : mode == 2 ? Durability::flush
                                 : Durability::buffered;
  facts.copy_on_write = facts.durability == Durability::flush && random.one_in(2);
  facts.file_system = "simulated";
  facts.engine = "simulator";

  settings.capacity = (options.retain.bytes / kSegmentBytes + random.between(1, 6)) * kSegmentBytes;
  settings.ring_bytes = random.between(2, 8) * kItemBytes;
  settings.lanes = static_cast<std::uint32_t>(random.between(1, 4));
  settings.epochs = static_cast<std::uint32_t>(random.between(1, 4));
  settings.faults = random.one_in(4);
  settings.plant_damage = !settings.faults && random.one_in(2);
  return settings;
}

Faults faults_of(const Settings& settings, Random& random) {
  Faults faults;
  faults.stuck = random.one_in(2) ? 100 : 10;
  if (!settings.faults) return faults;
  switch (random.below(5)) {
    case 0: faults.write_error = 20; break;
    case 1: faults.overwrite_space = 20; break;
    case 2: faults.short_write = 20; break;
    case 3: faults.flush_error = 30; break;
    default: faults.prepare_space = 300; break;
  }
  return faults;
}

}  // namespace millrace::sim
