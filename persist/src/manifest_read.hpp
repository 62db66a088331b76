// The two copies of the manifest, checked. Writing them is the log's business.
#pragma once

#include "millrace/core/result.hpp"
#include "millrace/persist/disk.hpp"
#include "millrace/persist/journal_records.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

enum class ManifestState : std::uint8_t {
  good,
  missing,        // no such file
  bad,            // its checksum or a value in it is wrong, or it cannot be read
  later_version,  // its checksum is right
};

// REQUIRES bytes.size() >= sizeof(Manifest). Values are checked too: what is good is safe to use.
[[nodiscard]] ManifestState check_manifest(std::span<const std::byte> bytes,
                                           layout::Manifest& manifest) noexcept;

struct ManifestPair {
  layout::Manifest newest{};  // the one that counts, if `state` is good
  bool is_b = false;
  ManifestState state = ManifestState::missing;  // of the two together
  ManifestState a = ManifestState::missing;
  ManifestState b = ManifestState::missing;
};

// Looks at both. Two files that are missing, bad or of a later version are no error here.
[[nodiscard]] ManifestPair read_manifests(Disk& disk);

}  // namespace millrace
