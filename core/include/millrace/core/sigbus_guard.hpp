// SigbusGuard keeps a reader alive when the owner of a lane cuts its file off. Touching a page that
// is gone raises SIGBUS; inside a watched range the handler puts pages of zeroes there, sets the
// range's flag and lets the reader go on. It reads zeroes (a record that is not written yet) and
// finds the flag at its next look.
//
// The handler is chained: a SIGBUS anywhere else goes to the handler that was installed before, or
// kills the process as ever. Install yours before this one, or hand on what is not yours.
// Opt-out: never call install(), or set MILLRACE_NO_SIGBUS_GUARD to anything but "0". watch() then
// returns false, and a cut-off lane kills its readers.
//
// Thread rules: every function may be called by any thread. The handler takes no lock, allocates
// nothing, and finds its range in a fixed table of kWatchesMax entries.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace {

class SigbusGuard {
 public:
  static constexpr std::size_t kWatchesMax = 4096;

  // Installs the handler, once for the life of the process; false if opted out or refused.
  static bool install() noexcept;

  [[nodiscard]] static bool installed() noexcept;

  // Watches [base, base + bytes). `poisoned` becomes 1 at the first fault and must outlive the
  // watch. `writable`: the replacing pages may be written to, as the range they replace. False:
  // not installed, or the table is full.
  [[nodiscard]] static bool watch(void* base, std::size_t bytes,
                                  std::atomic<std::uint32_t>* poisoned,
                                  bool writable = false) noexcept;

  // Ends the watch that began at `base`; call it before the range is unmapped. When it returns, no
  // handler on any thread still uses `poisoned`.
  static void unwatch(void* base) noexcept;
};

}  // namespace millrace
