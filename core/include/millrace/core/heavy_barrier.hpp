// The expensive half of an asymmetric fence: a sleeper executes a full fence on every processor on
// which a registered process runs, so that publishers need only a compiler barrier. It costs the
// sleeper about 14 us and each running registered process a hole of about 8 us.
//
// Rule: every process that leaves out its own fence must have registered, before it does. A sleeper
// whose heavy_barrier() is refused must make the others use fences (`needs_fence`), or only nap.
//
// Thread safety: any thread.
#pragma once

namespace millrace {

// Registers this process with the kernel; idempotent, and once more in a forked child. False where
// the kernel or a container refuses it: this process must then execute its own fences.
bool register_membarrier() noexcept;

// False if refused: no fence has happened.
[[nodiscard]] bool heavy_barrier() noexcept;

// Does the kernel know MEMBARRIER_CMD_GLOBAL_EXPEDITED, and is this process allowed to use it?
[[nodiscard]] bool membarrier_available() noexcept;

}  // namespace millrace
