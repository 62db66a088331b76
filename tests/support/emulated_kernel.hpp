// What qemu-user, which runs a program of another machine on this kernel, answers with success and
// does not do, or does not know. Asked of the kernel itself, so that a test skips for what is
// missing and not for where it runs.
#pragma once

#include <cerrno>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::testing_support {

inline constexpr const char* kNoAdvice =
    "madvise says yes here and does nothing (qemu-user): no page is hidden from forks or dumps, "
    "and none is populated";

inline constexpr const char* kNoPlacement =
    "the calls of memory policy are unknown here (qemu-user): placement cannot be told";

// Is a page that was hidden from forks missing in a forked child?
inline bool advice_is_taken() {
  constexpr std::size_t kPage = 4096;
  void* const page = mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || madvise(page, kPage, MADV_DONTFORK) != 0) return false;
  const pid_t child = fork();
  if (child == 0) _exit(msync(page, kPage, MS_ASYNC) == 0 ? 1 : 0);
  int status = 1;
  waitpid(child, &status, 0);
  munmap(page, kPage);
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Does the kernel know the calls that say where memory lies?
inline bool placement_can_be_told() {
  return syscall(SYS_get_mempolicy, nullptr, nullptr, 0UL, nullptr, 0UL) == 0 || errno != ENOSYS;
}

}  // namespace millrace::testing_support
