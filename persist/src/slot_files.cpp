#include "slot_files.hpp"

#include "slot_extents.hpp"
#include "staging_buffers.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace millrace {
namespace {

constexpr std::string_view kPrefix = "seg-";
constexpr std::string_view kSuffix = ".log";
constexpr unsigned kFileMode = 0600;
constexpr std::size_t kBounceBytes = std::size_t{1} << 20;

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { closedir(directory); }
};

// Reads all of `into`; 0, -errno, or 1 if the file ends before.
int read_whole(int fd, std::uint64_t offset, std::span<std::byte> into) noexcept {
  while (!into.empty()) {
    const ssize_t got = pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) return 1;
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return 0;
}

// O_DIRECT refuses addresses that are not aligned; those bytes take a way round.
int read_bounced(int fd, std::uint64_t offset, std::span<std::byte> into) {
  StagingBuffers bounce;
  if (!bounce.make(1, std::min(into.size(), kBounceBytes))) return -ENOMEM;
  while (!into.empty()) {
    const std::size_t bytes = std::min(into.size(), kBounceBytes);
    const int outcome = read_whole(fd, offset, bounce.at(0).first(bytes));
    if (outcome != 0) return outcome;
    std::memcpy(into.data(), bounce.at(0).data(), bytes);
    into = into.subspan(bytes);
    offset += bytes;
  }
  return 0;
}

bool is_aligned(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % 4096 == 0;
}

}  // namespace

std::string name_of(Disk::File file) {
  if (file == Disk::kManifestA) return "manifest.a";
  if (file == Disk::kManifestB) return "manifest.b";
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "seg-%04" PRIu32 ".log", file);
  return name.data();
}

std::optional<Disk::File> slot_of(std::string_view name) noexcept {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  if (name.size() <= kPrefix.size() + kSuffix.size()) return std::nullopt;
  const char* const begin = name.data() + kPrefix.size();
  const char* const end = name.data() + name.size() - kSuffix.size();
  Disk::File slot = 0;
  const auto [after, error] = std::from_chars(begin, end, slot);
  if (error != std::errc{} || after != end || slot >= Disk::kManifestA) return std::nullopt;
  // One number, one name: "seg-07.log" is not ours.
  if (name_of(slot) != name) return std::nullopt;
  return slot;
}

std::string SlotFiles::full_name(Disk::File file) const {
  return path_ + "/" + name_of(file);
}

Result<std::shared_ptr<const Descriptor>> SlotFiles::open_anew(Disk::File file, bool create) {
  const std::string name = name_of(file);
  const int flags = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK |
                    (rights_.read_only ? O_RDONLY : O_RDWR) | (rights_.direct ? O_DIRECT : 0) |
                    (create ? O_CREAT : 0);
  Descriptor opened(::openat(directory_.get(), name.c_str(), flags, kFileMode));
  if (!opened.valid()) return fail_os(errno, "cannot open %s", full_name(file).c_str());

  struct stat facts {};

  if (fstat(opened.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return fail(Errc::format, "%s is no regular file: a journal's files are",
                full_name(file).c_str());
  }
  return std::make_shared<const Descriptor>(std::move(opened));
}

Result<SlotFiles::Open> SlotFiles::open(Disk::File file, bool create) {
  for (Place& place : places_) {
    if (place.serial == 0 || place.number != file) continue;
    place.used = ++uses_;
    return Open{place.file, static_cast<std::uint32_t>(&place - places_.data()), place.serial};
  }
  auto opened = open_anew(file, create);
  if (!opened) return std::unexpected(opened.error());
  // Whoever holds a file may have told the kernel its place only (UringDisk), so such a place is
  // given away last.
  Place& place = *std::ranges::min_element(
      places_, {}, [](const Place& one) { return std::pair(one.file.use_count() > 1, one.used); });
  place = Place{file, ++serials_, ++uses_, std::move(*opened)};
  return Open{place.file, static_cast<std::uint32_t>(&place - places_.data()), place.serial};
}

std::optional<std::uint32_t> SlotFiles::forget(Disk::File file) noexcept {
  for (Place& place : places_) {
    if (place.serial == 0 || place.number != file) continue;
    place = Place{};
    return static_cast<std::uint32_t>(&place - places_.data());
  }
  return std::nullopt;
}

Result<Disk::Slot> SlotFiles::look_at(Disk::File file) {
  const auto opened = open(file);
  if (!opened) return std::unexpected(opened.error());

  struct stat facts {};

  if (fstat(opened->file->get(), &facts) != 0) {
    return fail_os(errno, "cannot look at %s", full_name(file).c_str());
  }
  const auto bytes = static_cast<std::uint64_t>(facts.st_size);
  return Disk::Slot{file, bytes, !all_written(opened->file->get(), bytes)};
}

Result<std::vector<Disk::Slot>> SlotFiles::list() {
  // A description of its own: readdir moves it.
  Descriptor own(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, CloseDirectory> entries(own.valid() ? fdopendir(own.get()) : nullptr);
  if (!entries) return fail_os(errno, "cannot list %s", path_.c_str());
  static_cast<void>(own.release());
  std::vector<Disk::Slot> found;
  for (;;) {
    errno = 0;
    const dirent* const entry = readdir(entries.get());
    if (entry == nullptr && errno != 0) return fail_os(errno, "cannot list %s", path_.c_str());
    if (entry == nullptr) break;
    const auto slot = slot_of(entry->d_name);
    if (!slot) continue;
    auto looked = look_at(*slot);
    if (looked) {
      found.push_back(*looked);
    } else if (looked.error().code() != Errc::not_found) {  // a writer may have removed it
      return std::unexpected(looked.error());
    }
  }
  std::ranges::sort(found, {}, &Disk::Slot::file);
  return found;
}

Result<void> SlotFiles::read(Disk::File file, std::uint64_t offset, std::span<std::byte> into) {
  const auto opened = open(file);
  if (!opened) return std::unexpected(opened.error());
  const int fd = opened->file->get();
  const bool straight = !rights_.direct || is_aligned(into);
  const int outcome = straight ? read_whole(fd, offset, into) : read_bounced(fd, offset, into);
  if (outcome == 0) return {};
  const std::string name = full_name(file);
  if (outcome < 0) {
    return fail_os(-outcome, "cannot read %s at %" PRIu64, name.c_str(), offset);
  }
  return fail(Errc::damaged, "%s ends before %" PRIu64 ": it was cut off, or not copied whole",
              name.c_str(), offset + into.size());
}

Result<void> SlotFiles::write_block(Disk::File file, std::uint64_t offset,
                                    std::span<const std::byte> block) {
  const bool manifest = file >= Disk::kManifestA;
  auto opened = open(file);
  bool created = false;
  if (!opened && manifest && opened.error().code() == Errc::not_found) {
    opened = open(file, true);
    created = opened.has_value();
  }
  if (!opened) return std::unexpected(opened.error());
  StagingBuffers bounce;
  if (rights_.direct && !is_aligned(block)) {
    if (!bounce.make(1, block.size())) {
      return fail(Errc::no_space, "no memory to write %s", full_name(file).c_str());
    }
    std::memcpy(bounce.at(0).data(), block.data(), block.size());
    block = bounce.at(0).first(block.size());
  }
  const iovec piece{const_cast<std::byte*>(block.data()), block.size()};
  ssize_t written = 0;
  do {
    written = pwritev2(opened->file->get(), &piece, 1, static_cast<off_t>(offset), RWF_DSYNC);
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(block.size())) {
    return fail_os(written < 0 ? errno : EIO, "cannot write %s at %" PRIu64,
                   full_name(file).c_str(), offset);
  }
  return created ? flush_directory() : Result<void>{};
}

Result<void> SlotFiles::flush_directory() {
  if (fsync(directory_.get()) == 0) return {};
  return fail_os(errno, "cannot flush the directory %s", path_.c_str());
}

Result<void> SlotFiles::flush_all() {
  auto slots = list();
  if (!slots) return std::unexpected(slots.error());
  std::vector<Disk::File> files{Disk::kManifestA, Disk::kManifestB};
  for (const Disk::Slot& slot : *slots)
    files.push_back(slot.file);
  for (const Disk::File file : files) {
    const auto opened = open(file);
    if (!opened && opened.error().code() == Errc::not_found) continue;
    if (!opened) return std::unexpected(opened.error());
    if (fdatasync(opened->file->get()) != 0) {
      return fail_os(errno, "cannot flush %s", full_name(file).c_str());
    }
  }
  return flush_directory();
}

Result<void> SlotFiles::remove(Disk::File file) {
  forget(file);
  if (unlinkat(directory_.get(), name_of(file).c_str(), 0) == 0) return {};
  return fail_os(errno, "cannot remove %s", full_name(file).c_str());
}

}  // namespace millrace
