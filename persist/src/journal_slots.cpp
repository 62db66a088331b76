// Where the next segments go, which old ones are let go, and the manifest that says so.
#include "flaw.hpp"
#include "journal_core.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace millrace {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

}  // namespace

// Not while a switch is under way: the slot that it took comes back from the segment that it lets
// go, and one more would only be deleted again. A log that is full of data would otherwise write
// every slot twice.
bool JournalCore::wants_spare() const noexcept {
  const bool switching =
      next_slot_ || step_ == Step::heading || step_ == Step::snapshot || retention_due_;
  return !closing_ && !switching && !writer_.preparing() && pool_.wants_more();
}

void JournalCore::replenish() noexcept {
  if (!wants_spare()) return;
  if (disk_->now().boot_ns < prepare_at_ns_) return;
  writer_.prepare(pool_.next_to_prepare(), manifests_.now().segment_bytes);
}

void JournalCore::take_prepared() noexcept {
  const auto prepared = writer_.prepared();
  if (!prepared) return;
  prepare_error_ = prepared->error;
  pool_.prepared(prepared->file, false);
  if (prepared->error != 0) {
    // Somebody may free space at any time; asking once a second costs nothing.
    prepare_at_ns_ = disk_->now().boot_ns + kSecond;
    return;
  }
  if (auto made = make_spare(prepared->file); !made) {
    writer_.poison(made.error().os_error() != 0 ? -made.error().os_error() : -EIO);
    return;
  }
  pool_.prepared(prepared->file, true);
}

// Only a slot whose every block was written says that it is one.
Result<void> JournalCore::make_spare(Disk::File file) noexcept {
  const layout::Manifest& manifest = manifests_.now();
  AlignedBlock block(manifest.block_bytes, manifest.block_bytes);
  ItemBuilder item(manifest.block_bytes, manifest.block_bytes, false);
  item.begin(layout::ItemKind::spare, block.span());
  const Disk::Now now = disk_->now();
  (void)item.finish({.salt = manifest.salt,
                     .epoch = manifest.epoch,
                     .wall_ns = now.wall_ns,
                     .boot_ns = now.boot_ns,
                     .boot = manifest.boot},
                    manifest.key);
  return disk_->write_block(file, 0, block.span());
}

// Retention may count on what is acknowledged only once the log holds it.
void JournalCore::promote_acknowledgements() {
  if (!options_.retain.acknowledged || promoting_at_ != 0) return;
  promoting_ = catalog_;
  promoting_at_ = writer_.submitted();
  acknowledged_since_ = false;
}

void JournalCore::trim() noexcept {
  if (promoting_at_ != 0 && writer_.durable() >= promoting_at_) {
    durable_acknowledged_ = std::move(promoting_);
    promoting_at_ = 0;
    retention_due_ = true;
  }
  // What older segments say of lanes and acknowledgements must be durable in the newest one.
  const bool told = step_ != Step::snapshot && step_ != Step::heading && !segments_.empty() &&
                    writer_.durable() >= snapshot_end_;
  if (!told) return;
  const Disk::Now now = disk_->now();
  if (!retention_due_ && now.boot_ns < retention_at_ns_) return;
  retention_due_ = false;
  retention_at_ns_ = now.boot_ns + kSecond;
  const RetentionPlan plan =
      retention_.plan(segments_, durable_acknowledged_, now, manifests_.now().boot);
  if (plan.segments > 0) drop_segments(plan);
}

void JournalCore::drop_segments(const RetentionPlan& plan) {
  if (auto written = write_manifest(segments_[plan.segments].segment, 0); !written) {
    writer_.poison(written.error().os_error() != 0 ? -written.error().os_error() : -EIO);
    return;
  }
  for (Catalog* const catalog : {&catalog_, &durable_acknowledged_, &promoting_}) {
    for (const std::string& subscriber : plan.let_go)
      catalog->hold_places(subscriber);
    for (std::size_t index = 0; index < plan.segments; ++index)
      for (const auto& [id, end] : segments_[index].lane_ends)
        catalog->trim(id, end);
  }
  for (const std::string& subscriber : plan.let_go)
    if (std::ranges::count(let_go_, subscriber) == 0) let_go_.push_back(subscriber);
  for (std::size_t index = 0; index < plan.segments; ++index)
    pool_.add_spare(segments_[index].slot);
  segments_.erase(segments_.begin(),
                  segments_.begin() + static_cast<std::ptrdiff_t>(plan.segments));
  while (const auto file = pool_.superfluous())
    (void)disk_->remove(*file);
}

Result<void> JournalCore::write_manifest(std::uint64_t first_live, ItemNumber clean_end) noexcept {
  layout::Manifest manifest = manifests_.now();
  manifest.first_live = first_live;
  manifest.lower_bound = std::max(manifest.lower_bound, writer_.durable());
  manifest.clean_end = clean_end;
  return manifests_.write(manifest);
}

Result<void> JournalCore::begin_epoch(ItemNumber end) noexcept {
  layout::Manifest manifest = manifests_.now();
  const Disk::Now now = disk_->now();
  if (std::memcmp(manifest.boot_id, now.boot_id, sizeof manifest.boot_id) != 0) {
    std::memcpy(manifest.boot_id, now.boot_id, sizeof manifest.boot_id);
    ++manifest.boot;
  }
  ++manifest.epoch;
  manifest.durability = static_cast<std::uint32_t>(facts_.durability);
  manifest.lower_bound = std::max(manifest.lower_bound, end);
  manifest.clean_end = 0;
  return manifests_.write(manifest);
}

// Waits for one slot; the rest are made beside the work.
Result<void> JournalCore::first_slot() noexcept {
  for (std::uint32_t waits = 0; !pool_.available(true); ++waits) {
    if (writer_.error() != 0) return poisoned();
    if (waits == kPatience) return silent();
    if (!writer_.preparing()) {
      writer_.prepare(pool_.next_to_prepare(), manifests_.now().segment_bytes);
    }
    writer_.wait(kSecond);
    take_prepared();
    if (prepare_error_ != 0) {
      return fail_os(prepare_error_, "cannot make a slot of %llu bytes for the journal in %s",
                     static_cast<unsigned long long>(manifests_.now().segment_bytes),
                     options_.directory.c_str());
    }
  }
  next_slot_ = pool_.take();
  return {};
}

Result<void> JournalCore::begin() {
  if (!MILLRACE_FLAW(read_before_flush)) {
    if (auto flushed = disk_->flush_all(); !flushed) return flushed;
  }
  if (auto made = writer_.make_buffers(manifests_.now().item_bytes); !made) return made;
  if (auto raised = begin_epoch(writer_.submitted()); !raised) return raised;
  if (auto found = first_slot(); !found) return found;
  auto durable = wait_until([](const JournalCore& core) {
    const bool told =
        core.writer_.durable() == core.writer_.submitted() || MILLRACE_FLAW(publish_before_header);
    return core.step_ == Step::open && told && !core.segments_.empty();
  });
  if (!durable) return durable;
  if (replaced_) pool_.add_spare(*replaced_);
  replaced_.reset();
  begun_ = true;
  return {};
}

}  // namespace millrace
