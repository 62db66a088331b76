#include "millrace/core/sigbus_guard.hpp"

#include "millrace/core/limits.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

namespace millrace {
namespace {

// A slot is free (base 0), being filled (base kBusy) or watched. `users` counts the handlers that
// look at it, so that unwatch() can wait until none holds the flag any more.
struct Slot {
  std::atomic<std::uintptr_t> base{0};
  std::atomic<std::uint32_t> users{0};
  std::atomic<std::size_t> bytes{0};
  std::atomic<std::atomic<std::uint32_t>*> poisoned{nullptr};
  std::atomic<int> protection{0};
};

static_assert(std::atomic<std::uintptr_t>::is_always_lock_free);

constexpr std::uintptr_t kBusy = 1;  // never a mapping's address

constinit std::array<Slot, SigbusGuard::kWatchesMax> slots{};
constinit std::atomic<std::size_t> slots_used{0};  // no slot from here on was ever filled
constinit std::atomic<int> state{0};               // 0 not installed, 1 installing, 2 installed
struct sigaction previous;

bool replace_from(std::uintptr_t fault, std::uintptr_t end, int protection) noexcept {
  constexpr int kFlags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  // Everything behind the fault goes too: it lies behind the end of the file as well, and the range
  // is poisoned anyway. A range of huge pages can only be cut at a huge page.
  for (const std::size_t page : {kPageBytes, kHugePageBytes}) {
    const std::uintptr_t begin = fault & ~(page - 1);
    void* const at = reinterpret_cast<void*>(begin);
    if (mmap(at, end - begin, protection, kFlags, -1, 0) != MAP_FAILED) return true;
    if (errno != EINVAL) return false;
  }
  return false;
}

bool rescue_in(Slot& slot, std::uintptr_t fault) noexcept {
  // [sync:sigbus-slot] Acquire. Without it the range read below could be that of an earlier watch.
  // [sync:sigbus-users] Sequentially consistent for the sake of the count in rescue().
  const std::uintptr_t base = slot.base.load(std::memory_order_seq_cst);
  const std::size_t bytes = slot.bytes.load(std::memory_order_relaxed);
  if (base <= kBusy || fault < base || fault - base >= bytes) return false;
  // Relaxed: the system call that follows orders the flag before the zeroes that others may read.
  slot.poisoned.load(std::memory_order_relaxed)->store(1, std::memory_order_relaxed);
  return replace_from(fault, base + bytes, slot.protection.load(std::memory_order_relaxed));
}

bool rescue(std::uintptr_t fault) noexcept {
  // [sync:sigbus-count] Acquire. Without it a watch that this thread was promised could be missed.
  const std::size_t used = slots_used.load(std::memory_order_acquire);
  for (std::size_t at = 0; at < used; ++at) {
    Slot& slot = slots[at];
    // [sync:sigbus-users] Sequentially consistent, against unwatch(): either it sees this user and
    // waits, or we see its kBusy. Without it the flag could be freed while we hold its address.
    slot.users.fetch_add(1, std::memory_order_seq_cst);
    const bool rescued = rescue_in(slot, fault);
    // [sync:sigbus-users] Release. Without it unwatch() could return before our store is done.
    slot.users.fetch_sub(1, std::memory_order_release);
    if (rescued) return true;
  }
  return false;
}

void hand_on(int signal, siginfo_t* info, void* context) noexcept {
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else if (previous.sa_handler == SIG_DFL || info->si_code > 0) {
    // Die as without us: the instruction faults again, or the signal somebody sent comes again.
    struct sigaction standard {};

    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    if (info->si_code <= 0) raise(signal);
  }
}

void on_sigbus(int signal, siginfo_t* info, void* context) {
  const int kept = errno;
  const auto fault = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (info->si_code != BUS_ADRERR || !rescue(fault)) hand_on(signal, info, context);
  errno = kept;
}

bool opted_out() noexcept {
  const char* const set = std::getenv("MILLRACE_NO_SIGBUS_GUARD");
  return set != nullptr && *set != '\0' && std::strcmp(set, "0") != 0;
}

// A free slot, now busy; null if there is none.
Slot* take_slot() noexcept {
  for (std::size_t at = 0; at < slots.size(); ++at) {
    std::uintptr_t expected = 0;
    // [sync:sigbus-free] Acquire. Without it our filling could mix with the last owner's clearing.
    if (!slots[at].base.compare_exchange_strong(expected, kBusy, std::memory_order_acquire)) {
      continue;
    }
    std::size_t seen = slots_used.load(std::memory_order_relaxed);
    // [sync:sigbus-count] Release. Without it a handler could stop its search before this slot.
    while (seen < at + 1 &&
           !slots_used.compare_exchange_weak(seen, at + 1, std::memory_order_release)) {
    }
    return &slots[at];
  }
  return nullptr;
}

}  // namespace

bool SigbusGuard::install() noexcept {
  if (opted_out()) return false;
  int expected = 0;
  // Relaxed: `previous` is read by the handler only, which sigaction() itself makes reachable.
  if (!state.compare_exchange_strong(expected, 1, std::memory_order_relaxed)) {
    while (state.load(std::memory_order_relaxed) == 1)
      sched_yield();
    return installed();
  }
  bool done = sigaction(SIGBUS, nullptr, &previous) == 0;
  if (done) {
    struct sigaction ours {};

    ours.sa_sigaction = on_sigbus;
    ours.sa_mask = previous.sa_mask;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | (previous.sa_flags & SA_NODEFER);
    done = sigaction(SIGBUS, &ours, nullptr) == 0;
  }
  state.store(done ? 2 : 0, std::memory_order_relaxed);
  return done;
}

bool SigbusGuard::installed() noexcept {
  return state.load(std::memory_order_relaxed) == 2;
}

bool SigbusGuard::watch(void* base, std::size_t bytes, std::atomic<std::uint32_t>* poisoned,
                        bool writable) noexcept {
  if (!installed() || base == nullptr || bytes == 0) return false;
  Slot* const slot = take_slot();
  if (slot == nullptr) return false;
  slot->bytes.store(bytes, std::memory_order_relaxed);
  slot->poisoned.store(poisoned, std::memory_order_relaxed);
  slot->protection.store(writable ? PROT_READ | PROT_WRITE : PROT_READ, std::memory_order_relaxed);
  // [sync:sigbus-slot] Release. Without it a handler could pair this base with an old range.
  slot->base.store(reinterpret_cast<std::uintptr_t>(base), std::memory_order_release);
  return true;
}

void SigbusGuard::unwatch(void* base) noexcept {
  for (Slot& slot : slots) {
    auto expected = reinterpret_cast<std::uintptr_t>(base);
    // [sync:sigbus-users] Sequentially consistent, against the handler's count: see rescue().
    if (!slot.base.compare_exchange_strong(expected, kBusy, std::memory_order_seq_cst)) continue;
    // [sync:sigbus-users] Acquire. Without it the caller could free the flag under a handler.
    while (slot.users.load(std::memory_order_seq_cst) != 0)
      sched_yield();
    // [sync:sigbus-free] Release. Without it the next owner's range could be seen before this end.
    slot.base.store(0, std::memory_order_release);
    return;
  }
}

}  // namespace millrace
