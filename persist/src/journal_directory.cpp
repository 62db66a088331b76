#include "journal_directory.hpp"

#include "manifest_read.hpp"
#include "millrace/persist/journal_records.hpp"
#include "slot_files.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace {
namespace {

constexpr unsigned kDirectoryMode = 0700;

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { closedir(directory); }
};

Result<void> make_directory(const std::string& path) {
  if (mkdir(path.c_str(), kDirectoryMode) != 0) {
    if (errno == EEXIST) return {};
    return fail_os(errno, "cannot make the journal %s", path.c_str());
  }
  // "a/b/" and "a/b" have the same parent; that of "b" is the current directory.
  std::filesystem::path plain = std::filesystem::path(path).lexically_normal();
  if (!plain.has_filename()) plain = plain.parent_path();
  const std::string parent = plain.has_parent_path() ? plain.parent_path().string() : ".";
  const Descriptor opened(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.valid() && fsync(opened.get()) == 0) return {};
  return fail_os(errno, "cannot flush the directory %s", parent.c_str());
}

Result<Descriptor> open_directory(const std::string& path) {
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return fail_os(errno, "cannot open the journal %s", path.c_str());

  struct stat facts {};

  if (fstat(directory.get(), &facts) != 0) {
    return fail_os(errno, "cannot look at the journal %s", path.c_str());
  }
  if ((facts.st_mode & S_IWOTH) == 0) return directory;
  return fail(Errc::no_permission, "everybody may write in the journal %s: chmod o-w it",
              path.c_str());
}

Result<std::optional<std::string>> any_slot(int directory_fd, const std::string& path) {
  Descriptor own(openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, CloseDirectory> entries(own.valid() ? fdopendir(own.get()) : nullptr);
  if (!entries) return fail_os(errno, "cannot list %s", path.c_str());
  static_cast<void>(own.release());
  while (const dirent* const entry = readdir(entries.get())) {
    if (slot_of(entry->d_name)) return entry->d_name;
  }
  return std::nullopt;
}

Descriptor open_file(int directory_fd, const std::string& name) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  return Descriptor(openat(directory_fd, name.c_str(), kFlags));
}

std::optional<layout::Manifest> read_manifest(int fd) {
  std::array<std::byte, sizeof(layout::Manifest)> bytes{};
  if (pread(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return std::nullopt;
  }
  layout::Manifest manifest{};
  if (check_manifest(bytes, manifest) != ManifestState::good) return std::nullopt;
  return manifest;
}

}  // namespace

Result<JournalDirectory> open_journal_directory(const std::string& path, bool create) {
  if (path.empty()) return fail(Errc::bad_argument, "a journal needs a directory: name one");
  if (create) {
    if (auto made = make_directory(path); !made) return std::unexpected(made.error());
  }
  auto directory = open_directory(path);
  if (!directory) return std::unexpected(directory.error());
  JournalDirectory found;
  found.directory = std::move(*directory);
  std::uint64_t newest = 0;
  for (const Disk::File file : {Disk::kManifestA, Disk::kManifestB}) {
    Descriptor opened = open_file(found.directory.get(), name_of(file));
    if (!opened.valid()) continue;
    const auto manifest = read_manifest(opened.get());
    if (manifest && manifest->generation >= newest) {
      newest = manifest->generation;
      found.recorded = static_cast<Durability>(manifest->durability);
    }
    found.any_file = std::move(opened);
  }
  const auto slot = any_slot(found.directory.get(), path);
  if (!slot) return std::unexpected(slot.error());
  if (!found.any_file.valid() && *slot) {
    found.any_file = open_file(found.directory.get(), **slot);
  }
  found.has_journal = found.any_file.valid() || slot->has_value();
  if (found.has_journal || create) return found;
  return fail(Errc::not_found, "there is no journal in %s", path.c_str());
}

}  // namespace millrace
