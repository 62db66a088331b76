#include "crashtest_page.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace millrace::tools {
namespace {

CrashPage* map(int fd) noexcept {
  void* const at = mmap(nullptr, sizeof(CrashPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return at == MAP_FAILED ? nullptr : static_cast<CrashPage*>(at);
}

// splitmix64: every number of its sequence is a good mix of the one it was made from.
std::uint64_t mix(std::uint64_t number) noexcept {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
  number = (number ^ number >> 27) * 0x94d049bb133111eb;
  return number ^ number >> 31;
}

}  // namespace

CrashMemory::CrashMemory(CrashMemory&& other) noexcept
    : fd_(std::move(other.fd_)), page_(std::exchange(other.page_, nullptr)) {}

CrashMemory::~CrashMemory() {
  if (page_ != nullptr) munmap(page_, sizeof(CrashPage));
}

Result<CrashMemory> CrashMemory::create() {
  Descriptor fd(memfd_create("millrace-crashtest", MFD_CLOEXEC));
  if (!fd.valid() || ftruncate(fd.get(), sizeof(CrashPage)) != 0) {
    return fail_os(errno, "cannot make a page of shared memory");
  }
  CrashPage* const page = map(fd.get());
  if (page == nullptr) return fail_os(errno, "cannot map a page of shared memory");
  return CrashMemory(std::move(fd), new (page) CrashPage);
}

Result<CrashMemory> CrashMemory::attach(int fd) {
  Descriptor own(fd);

  struct stat status {};

  const bool plausible = fstat(fd, &status) == 0 && status.st_size == sizeof(CrashPage);
  CrashPage* const page = plausible ? map(fd) : nullptr;
  if (page == nullptr) {
    return fail(Errc::bad_argument,
                "this is a part of `millrace crashtest`, which starts it by itself");
  }
  return CrashMemory(std::move(own), page);
}

std::string crash_publisher_name(std::uint32_t number) {
  return "load-" + std::to_string(number);
}

void make_crash_message(std::uint64_t seed, std::uint32_t publisher, std::uint64_t sequence,
                        std::vector<std::byte>& into) {
  std::uint64_t state = mix(seed ^ mix(sequence * kCrashPublishers + publisher));
  // Mostly short, now and then of several blocks.
  const std::size_t words = 1 + (state % 16 == 0 ? state / 16 % 1024 : state / 16 % 32);
  into.resize(words * sizeof state);
  for (std::size_t word = 0; word < words; ++word) {
    std::memcpy(into.data() + word * sizeof state, &state, sizeof state);
    state = mix(state);
  }
}

}  // namespace millrace::tools
