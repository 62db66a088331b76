#include "process/liar_tricks.hpp"

#include <climits>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace::liar {

namespace {

constexpr std::size_t kPlantedMax = 24;
constexpr std::size_t kLocksMax = 32;
constexpr std::size_t kPage = 4096;

}  // namespace

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(directory, ignored), end; at != end;
       at.increment(ignored))
    names.push_back(at->path().filename().string());
  return names;
}

std::string Tricks::any_in(const std::string& directory) {
  const auto names = names_in(directory);
  return names.empty() ? std::string() : names[values_.below(names.size())];
}

// Where it means something: a reader beside others, a lane or its lock, a participant, a name that
// is remembered.
std::string Tricks::name_to_take(const Hand& model) {
  if (model.layout() == "reader") {
    const std::string own = std::filesystem::path(model.path()).stem();
    const std::string whose = borrow_ ? any_in(domain_ + "/participants") : own;
    return channel_ + "/readers/" + whose + "." + std::to_string(values_.below(200));
  }
  if (model.layout() == "lane") {
    const std::string lane = channel_ + "/lane-" + std::to_string(values_.below(9));
    return values_.once_in(4) ? lane + ".own" : lane;
  }
  if (model.layout() == "participant")
    return domain_ + "/participants/" + std::to_string(values_.below(1100)) +
           std::filesystem::path(model.path()).extension().string();
  return channel_ + "/readers/.new." + std::to_string(values_.below(99'999)) + ".1.1";
}

void Tricks::plant_copy(const std::string& path, const Hand& model) {
  const Descriptor made(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!made.valid()) return;
  std::vector<std::byte> bytes = model.truth();
  if (values_.once_in(2)) bytes = bytes_of_file(model.fd(), bytes.size());  // as it is by now
  for (std::uint64_t lies = values_.below(4); lies != 0; --lies) {
    const Word& word = model.any(values_);
    if (word.offset + word.bytes > bytes.size()) continue;
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + word.offset, word.bytes);
    value = values_.lie(value);
    std::memcpy(bytes.data() + word.offset, &value, word.bytes);
  }
  (void)!pwrite(made.get(), bytes.data(), bytes.size(), 0);
}

void Tricks::plant(const Hand& model) {
  if (planted_.size() >= kPlantedMax) clear();
  const std::string path = name_to_take(model);
  switch (values_.below(8)) {
    case 0: (void)!mkfifo(path.c_str(), 0666); break;
    case 1: (void)!mkdir(path.c_str(), 0777); break;
    case 2: (void)!symlink(model.path().c_str(), path.c_str()); break;
    case 3: (void)!symlink("/dev/zero", path.c_str()); break;
    default: plant_copy(path, model);
  }
  planted_.push_back(path);
}

void Tricks::clear() {
  // Others' files stay: the directories are sticky.
  for (const std::string& path : planted_)
    (void)!remove(path.c_str());
  planted_.clear();
}

void Tricks::lock() {
  if (locks_.size() >= kLocksMax) unlock();
  const std::string directory = values_.once_in(2)   ? channel_
                                : values_.once_in(2) ? channel_ + "/readers"
                                                     : domain_ + "/participants";
  const std::string path = directory + "/" + any_in(directory);
  Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  const bool own = file.valid();
  if (!own) file = Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!file.valid()) return;

  struct flock whole {};

  whole.l_type = own ? F_WRLCK : F_RDLCK;
  whole.l_whence = SEEK_SET;
  (void)fcntl(file.get(), F_OFD_SETLK, &whole);
  locks_.push_back(std::move(file));
}

void Tricks::disturb(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));

  struct stat status {};

  if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes < kPage || bytes > 64 * kPage) return;
  void* const base = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  if (base == MAP_FAILED) return;
  static std::uint32_t elsewhere = 0;
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    // The word is not touched: the kernel looks at it, and says no where there is none.
    auto* const word = static_cast<std::byte*>(base) + at;
    if (values_.once_in(2)) {
      syscall(SYS_futex, word, FUTEX_REQUEUE, 0, INT_MAX, &elsewhere, 0);
    } else {
      syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    }
  }
  munmap(base, bytes);
}

void Tricks::disturb_sleepers() {
  const std::string directory = values_.once_in(3) ? channel_ + "/readers" : channel_;
  const std::string name = any_in(directory);
  if (!name.empty()) disturb(directory + "/" + name);
}

void Tricks::learn() {
  for (const std::string& directory :
       {channel_, channel_ + "/readers", domain_ + "/participants"}) {
    for (const std::string& name : names_in(directory)) {
      const Descriptor file(
          open((directory + "/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
      if (!file.valid()) continue;
      const auto bytes = bytes_of_file(file.get(), 2 * kPage);
      for (std::size_t at = 0; at + sizeof(std::uint64_t) <= bytes.size();
           at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        values_.learn(word);
      }
    }
  }
}

}  // namespace millrace::liar
