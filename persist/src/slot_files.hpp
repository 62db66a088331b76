// The files of a journal's directory by number: opens what is asked for, keeps the last few open,
// and knows how to read, replace and remove. Nothing here is on a message path but open(), which
// then finds the file open already.
//
// Thread rules: one thread at a time.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "millrace/core/result.hpp"
#include "millrace/persist/disk.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// "seg-0007.log", "manifest.a".
[[nodiscard]] std::string name_of(Disk::File file);
// The slot that a name belongs to; nothing if it is no slot's.
[[nodiscard]] std::optional<Disk::File> slot_of(std::string_view name) noexcept;

class SlotFiles {
 public:
  static constexpr std::size_t kOpenMax = 16;

  struct Rights {
    bool read_only = false;
    bool direct = true;  // O_DIRECT
  };

  // An open file. It stays open as long as somebody holds `file`, also when it has lost its place,
  // which goes to others only while all kOpenMax places are held.
  struct Open {
    std::shared_ptr<const Descriptor> file;
    std::uint32_t place = 0;   // below kOpenMax
    std::uint64_t serial = 0;  // another file, or another life of it, has another one
  };

  SlotFiles(Descriptor directory, std::string path, Rights rights) noexcept
      : directory_(std::move(directory)), path_(std::move(path)), rights_(rights) {}

  [[nodiscard]] int directory() const noexcept { return directory_.get(); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  [[nodiscard]] Rights rights() const noexcept { return rights_; }

  // The name for sentences.
  [[nodiscard]] std::string full_name(Disk::File file) const;

  // Errors: not_found, format (no regular file), as open(2). Null: as the error of open_error().
  Result<Open> open(Disk::File file, bool create = false);

  // Closes it, so that the next open() sees what stands there then. Its old place, if it had one.
  std::optional<std::uint32_t> forget(Disk::File file) noexcept;

  Result<std::vector<Disk::Slot>> list();
  // Errors: not_found; damaged if the file ends before.
  Result<void> read(Disk::File file, std::uint64_t offset, std::span<std::byte> into);
  Result<void> write_block(Disk::File file, std::uint64_t offset, std::span<const std::byte> block);
  Result<void> flush_all();
  Result<void> flush_directory();
  Result<void> remove(Disk::File file);

 private:
  struct Place {
    Disk::File number = 0;
    std::uint64_t serial = 0;  // 0: free
    std::uint64_t used = 0;
    std::shared_ptr<const Descriptor> file;
  };

  Result<std::shared_ptr<const Descriptor>> open_anew(Disk::File file, bool create);
  Result<Disk::Slot> look_at(Disk::File file);

  Descriptor directory_;
  std::string path_;
  Rights rights_;
  std::array<Place, kOpenMax> places_{};
  std::uint64_t serials_ = 0;
  std::uint64_t uses_ = 0;
};

}  // namespace millrace
