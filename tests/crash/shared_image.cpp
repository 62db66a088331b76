#include "shared_image.hpp"

#include "millrace/core/descriptor.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>

namespace millrace::crash {

namespace fs = std::filesystem;

SharedImage::SharedImage(fs::path directory) : directory_(std::move(directory)) {
  names_changed();
}

SharedImage::~SharedImage() {
  for (auto& [name, file] : files_)
    forget(file);
}

void SharedImage::forget(File& file) const {
  if (file.mapped != nullptr) munmap(file.mapped, file.bytes);
  file.mapped = nullptr;
}

bool SharedImage::bytes_changed() {
  bool changed = false;
  for (auto& [name, file] : files_) {
    if (file.mapped == nullptr || std::memcmp(file.mapped, file.seen.data(), file.bytes) == 0) {
      continue;
    }
    std::memcpy(file.seen.data(), file.mapped, file.bytes);
    changed = true;
  }
  return changed;
}

// Another file than before, or one of another length?
bool SharedImage::look_at(const fs::path& path) {
  struct stat status {};

  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() || fstat(fd.get(), &status) != 0) return false;
  File& file = files_[path.string()];
  const auto bytes = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
  if (file.inode == status.st_ino && file.bytes == bytes) return false;
  forget(file);
  file.inode = status.st_ino;
  file.bytes = bytes;
  file.seen.assign(bytes, std::byte{});
  if (bytes == 0) return true;
  void* const place = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (place == MAP_FAILED) return true;
  file.mapped = place;
  std::memcpy(file.seen.data(), place, bytes);
  return true;
}

bool SharedImage::names_changed() {
  bool changed = false;
  std::set<std::string> there;
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(directory_, ignored), end; at != end;
       at.increment(ignored)) {
    there.insert(at->path().string());
    changed |= look_at(at->path());
  }
  for (auto at = files_.begin(); at != files_.end();) {
    if (there.contains(at->first)) {
      ++at;
      continue;
    }
    forget(at->second);
    at = files_.erase(at);
    changed = true;
  }
  return changed;
}

namespace {

// "17.00c0ffee12345678.0" becomes "#.#.0", and "lane-2.own" becomes "lane-#.own".
std::string without_chance(const std::string& path) {
  const std::size_t lane = path.find("/lane-");
  if (lane != std::string::npos) {
    const std::size_t number = lane + std::string_view("/lane-").size();
    const std::size_t end = std::min(path.find('.', number), path.size());
    return path.substr(0, number) + "#" + path.substr(end);
  }
  std::string text;
  for (std::size_t at = 0; at < path.size();) {
    std::size_t end = at;
    while (end < path.size() && std::isxdigit(static_cast<unsigned char>(path[end])) != 0)
      ++end;
    const bool whole = (at == 0 || path[at - 1] == '/' || path[at - 1] == '.') && end > at &&
                       (end == path.size() || path[end] == '.');
    const bool chance = whole && (end - at >= 8 || (end < path.size() && path[end] == '.'));
    if (end == at) ++end;
    text += chance ? "#" : path.substr(at, end - at);
    at = end;
  }
  return text;
}

}  // namespace

std::string names_below(const fs::path& directory) {
  std::multiset<std::string> names;
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(directory, ignored), end; at != end;
       at.increment(ignored)) {
    names.insert(without_chance(fs::relative(at->path(), directory, ignored).string()));
  }
  std::string text;
  for (const std::string& name : names)
    text += name + "\n";
  return text;
}

}  // namespace millrace::crash
