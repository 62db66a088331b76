// The seam under every ring algorithm: they are templates over a memory policy and touch shared
// words only through it. In production a word is a std::atomic in a mapping and a fence is a fence;
// under Relacy (tests/model) the same source runs on simulated memory, where every allowed
// reordering is tried.
//
// A policy has
//   Word                          atomic, 64 bits: load, store, compare_exchange_strong, fetch_add
//   Lane                          what the algorithms see of a lane (lane_view.hpp)
//   Order                         what they see of the order ring (order_view.hpp)
//   acquire_fence, release_fence  stand-alone fences, used by limit/validate and checkpoints
//   full_fence                    sequentially consistent fence, used by join and sleep
//   light_barrier                 cheap side of an asymmetric barrier: orders only the compiler;
//                                 the other side pays with heavy_barrier()
#pragma once

#include "millrace/core/lane_view.hpp"
#include "millrace/core/order_view.hpp"

#include <atomic>

namespace millrace {

struct StdMemory {
  using Word = layout::Word;
  using Lane = LaneView;
  using Order = OrderView;

  // Both fences serve the edges [sync:limit] and [sync:checkpoint-slot]; their users say what
  // breaks.
  static void acquire_fence() noexcept { std::atomic_thread_fence(std::memory_order_acquire); }

  // [sync:limit] [sync:checkpoint-slot] See acquire_fence.
  static void release_fence() noexcept { std::atomic_thread_fence(std::memory_order_release); }

  // [sync:join] [sync:sleep] Orders a store before a later load; nothing weaker does.
  static void full_fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

  // [sync:sleep] Enough only because the sleeper runs a heavy barrier on every processor.
  static void light_barrier() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }
};

// For ThreadSanitizer, which does not model fences: a read-modify-write of one word that all
// threads share orders at least as much as a fence does, and the tool sees it. In-process tests
// only.
struct FencelessMemory {
  using Word = layout::Word;
  using Lane = LaneView;
  using Order = OrderView;

  static void acquire_fence() noexcept { touch(); }

  static void release_fence() noexcept { touch(); }

  static void full_fence() noexcept { touch(); }

  static void light_barrier() noexcept { touch(); }

 private:
  static void touch() noexcept {
    static constinit std::atomic<std::uint64_t> everybody{0};
    everybody.fetch_add(1, std::memory_order_seq_cst);  // [sync:limit] [sync:join] [sync:sleep]
  }
};

#if defined(MILLRACE_TSAN)
using ProductionMemory = FencelessMemory;
#else
using ProductionMemory = StdMemory;
#endif

}  // namespace millrace
