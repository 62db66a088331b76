// Makes the kernel refuse one system call to this process and its children, as an older kernel, a
// container's filter or another file system does. There is no way back: for forked children.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace millrace::testing_support {

// Refuses the call `number` with `error`; with a mask, only if one of its bits is set in the
// argument `argument` (counted from 0). False where filters are forbidden.
inline bool refuse_call(long number, int error, unsigned argument = 0, std::uint32_t mask = 0) {
  constexpr auto load = static_cast<std::uint16_t>(BPF_LD | BPF_W | BPF_ABS);
  constexpr auto same = static_cast<std::uint16_t>(BPF_JMP | BPF_JEQ | BPF_K);
  constexpr auto any_bit = static_cast<std::uint16_t>(BPF_JMP | BPF_JSET | BPF_K);
  constexpr auto end = static_cast<std::uint16_t>(BPF_RET | BPF_K);
  const auto at = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * argument);
  const auto refused = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
  std::array<sock_filter, 6> program{{
      {load, 0, 0, offsetof(seccomp_data, nr)},
      {same, 0, 3, static_cast<std::uint32_t>(number)},
      {load, 0, 0, at},
      {any_bit, 0, 1, mask},
      {end, 0, 0, refused},
      {end, 0, 0, SECCOMP_RET_ALLOW},
  }};
  if (mask == 0) program[2] = {end, 0, 0, refused};
  const sock_fprog filter{program.size(), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace millrace::testing_support
