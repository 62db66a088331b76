#include "ground.hpp"

#include "millrace/core/descriptor.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <mqueue.h>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

namespace millrace::rivals {

namespace {

constexpr const char* kMemory = "/dev/shm";

Result<RivalPage*> make_page(const std::string& path) {
  const Descriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid() || ftruncate(fd.get(), sizeof(RivalPage)) != 0) {
    return fail_os(errno, "cannot make %s", path.c_str());
  }
  void* const memory = mmap(nullptr, sizeof(RivalPage), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_POPULATE, fd.get(), 0);
  if (memory == MAP_FAILED) return fail_os(errno, "cannot map %s", path.c_str());
  auto* const page = new (memory) RivalPage{};
  page->magic = kPageMagic;
  return page;
}

}  // namespace

Result<Ground> Ground::make(std::string programs, std::pair<int, int> cpus) {
  std::string directory = std::string(kMemory) + "/millrace-rivals-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    return fail_os(errno, "cannot make a directory in %s", kMemory);
  }
  auto page = make_page(directory + "/page");
  if (!page) {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
    return Failure(page.error());
  }
  return Ground(std::move(directory), std::move(programs), *page, cpus);
}

Ground::Ground(std::string directory, std::string programs, RivalPage* page,
               std::pair<int, int> cpus)
    : directory_(std::move(directory)), programs_(std::move(programs)), page_(page), cpus_(cpus) {}

Ground::Ground(Ground&& other) noexcept
    : directory_(std::move(other.directory_)),
      programs_(std::move(other.programs_)),
      page_(std::exchange(other.page_, nullptr)),
      cpus_(other.cpus_),
      scopes_(other.scopes_) {}

Ground::~Ground() {
  if (page_ == nullptr) return;
  munmap(page_, sizeof(RivalPage));
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string Ground::program(std::string_view name) const {
  return programs_ + "/" + std::string(name);
}

bool Ground::installed(const RivalInfo& rival) const {
  if (access(program(rival.program).c_str(), X_OK) != 0) return false;
  if (rival.key == "moodycamel") return MILLRACE_RIVAL_MOODYCAMEL != 0;
  if (rival.key == "atomic-queue") return MILLRACE_RIVAL_ATOMIC_QUEUE != 0;
  return true;
}

std::string Ground::new_scope() {
  return "mrv" + std::to_string(getpid()) + "x" + std::to_string(++scopes_);
}

void Ground::forget(const std::string& scope) const noexcept {
  for (const char* channel : {"there", "back"}) {
    mq_unlink(("/" + scope + "-" + channel).c_str());
  }
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(kMemory, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(scope + "-")) std::filesystem::remove_all(entry.path(), ignored);
  }
  std::filesystem::remove_all(directory_ + "/" + scope, ignored);
}

}  // namespace millrace::rivals
