// Writes the manifest: two copies in turn, so that a torn one leaves the other.
#pragma once

#include "aligned_block.hpp"
#include "millrace/persist/disk.hpp"
#include "millrace/persist/journal_records.hpp"

namespace millrace {

class ManifestStore {
 public:
  // `manifest` is the newest one; `is_b`: it stands in the second file.
  ManifestStore(Disk& disk, const layout::Manifest& manifest, bool is_b);

  [[nodiscard]] const layout::Manifest& now() const noexcept { return manifest_; }

  // Overwrites the older copy, durably. On error now() is what it was.
  Result<void> write(layout::Manifest changed) noexcept;

 private:
  Disk& disk_;
  layout::Manifest manifest_;
  bool is_b_;
  AlignedBlock block_;
};

}  // namespace millrace
