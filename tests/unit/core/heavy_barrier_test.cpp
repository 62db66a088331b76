#include "millrace/core/heavy_barrier.hpp"

#include "process/refused_system_call.hpp"
#include "support/child_process.hpp"

#include <cerrno>
#include <string>
#include <sys/syscall.h>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::run_in_child;

TEST(HeavyBarrier, RegistersAsOftenAsOneLikesAndFences) {
  if (!membarrier_available()) GTEST_SKIP() << "the kernel has none";
  EXPECT_TRUE(register_membarrier());
  EXPECT_TRUE(register_membarrier());
  EXPECT_TRUE(heavy_barrier());
}

TEST(HeavyBarrier, AChildRegistersForItself) {
  if (!membarrier_available()) GTEST_SKIP() << "the kernel has none";
  ASSERT_TRUE(register_membarrier());
  const auto outcome = run_in_child([] {
    // A parent's success must not be taken for the child's: here the kernel would refuse it.
    if (!testing_support::refuse(SYS_membarrier, EPERM)) return std::string("skip");
    return std::string(register_membarrier() ? "claims the parent's registration" : "");
  });
  if (outcome.said == "skip") GTEST_SKIP() << "seccomp is refused";
  EXPECT_EQ(outcome.said, "");
}

TEST(HeavyBarrier, ARefusalIsSaidAndNotMistakenForAFence) {
  const auto outcome = run_in_child([] {
    if (!testing_support::refuse(SYS_membarrier, ENOSYS)) return std::string("skip");
    if (membarrier_available()) return std::string("available");
    return std::string(heavy_barrier() ? "fenced" : "");
  });
  if (outcome.said == "skip") GTEST_SKIP() << "seccomp is refused";
  EXPECT_EQ(outcome.said, "");
}

}  // namespace
}  // namespace millrace
