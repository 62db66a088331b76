#include "millrace/core/topology.hpp"

#include "millrace/core/limits.hpp"
#include "support/child_process.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <numeric>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing_support::run_in_child;

constexpr std::size_t kBytes = 64 * kPageBytes;

// A shared mapping of an unnamed file in shared memory; nothing of it is allocated yet.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes) : bytes_(bytes) {
    fd_ = memfd_create("topology_test", MFD_CLOEXEC);
    EXPECT_EQ(ftruncate(fd_, static_cast<off_t>(bytes)), 0);
    address_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    EXPECT_NE(address_, MAP_FAILED);
  }

  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  ~SharedMemory() {
    munmap(address_, bytes_);
    close(fd_);
  }

  void touch() const {
    for (std::size_t at = 0; at < bytes_; at += kPageBytes)
      static_cast<char*>(address_)[at] = 1;
  }

  [[nodiscard]] void* address() const noexcept { return address_; }

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  int fd_;
  std::size_t bytes_;
  void* address_;
};

unsigned impossible_node() {
  const auto nodes = Topology::machine().nodes();
  return nodes.back().node + 1;
}

// Makes the kernel refuse these system calls, as a container does. Only in a forked child.
bool refuse_system_calls(const std::vector<unsigned>& refused) {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const unsigned number : refused) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(Topology, ListsEachProcessorAndNodeOnceInOrder) {
  const Topology& machine = Topology::machine();
  EXPECT_TRUE(machine.complete());
  ASSERT_FALSE(machine.cpus().empty());
  ASSERT_FALSE(machine.nodes().empty());
  const auto by_cpu = [](const CpuInfo& a, const CpuInfo& b) { return a.cpu >= b.cpu; };
  EXPECT_EQ(std::ranges::adjacent_find(machine.cpus(), by_cpu), machine.cpus().end());
  for (const CpuInfo& info : machine.cpus()) {
    EXPECT_EQ(machine.cpu(info.cpu), &info);
    EXPECT_NE(machine.node(info.node), nullptr) << "the node of processor " << info.cpu;
    EXPECT_EQ(machine.sharing(info.cpu, info.cpu), Sharing::cpu);
  }
  EXPECT_EQ(machine.cpu(1U << 20), nullptr);
  EXPECT_EQ(machine.node(impossible_node()), nullptr);
}

TEST(Topology, IsReadOnceHoweverManyThreadsAsk) {
  std::vector<const Topology*> seen(8, nullptr);
  std::vector<std::thread> threads;
  for (const Topology*& one : seen) {
    threads.emplace_back([&one] { one = &Topology::machine(); });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(std::ranges::count(seen, &Topology::machine()), 8);
}

// hwloc can be told to describe another machine, which it only heeds when it is first loaded: so
// this program starts itself anew, with nothing but the test below to run.
constexpr char kStartedAnew[] = "MILLRACE_TEST_STARTED_ANEW";

std::string run_on_two_nodes_of_eight() {
  setenv("HWLOC_SYNTHETIC", "package:2 [numa] l3:2 l2:2 core:1 pu:2", 1);
  setenv(kStartedAnew, "1", 1);
  execl("/proc/self/exe", "topology_test", "--gtest_brief=1",
        "--gtest_filter=Topology.KnowsALargerMachine", nullptr);
  return "cannot start this program again";
}

TEST(Topology, KnowsALargerMachine) {
  if (std::getenv(kStartedAnew) == nullptr) {
    const auto child = run_in_child(run_on_two_nodes_of_eight);
    EXPECT_EQ(child.said, "");
    EXPECT_EQ(child.exit_code, 0);
    return;
  }
  const Topology& machine = Topology::machine();
  ASSERT_EQ(machine.cpus().size(), 16U);
  ASSERT_EQ(machine.nodes().size(), 2U);
  EXPECT_EQ(machine.sharing(0, 1), Sharing::core);
  EXPECT_EQ(machine.sharing(0, 2), Sharing::l3);
  EXPECT_EQ(machine.sharing(0, 4), Sharing::node);
  EXPECT_EQ(machine.sharing(0, 8), Sharing::machine);
  EXPECT_EQ(node_of_cpu(3).value(), 0U);
  EXPECT_EQ(node_of_cpu(12).value(), 1U);
  const SharedMemory memory(kBytes);
  const auto bound = bind_memory(memory.address(), memory.bytes(), Placement::on_node(1));
  ASSERT_TRUE(bound) << bound.error().sentence();
  EXPECT_FALSE(bound->honoured) << "nothing can be bound on a machine that is not this one";
  const auto refused = bind_memory(memory.address(), memory.bytes(), Placement::on_node(2));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().sentence().find("0, 1"), std::string_view::npos);
}

TEST(Topology, MemoryOfANodeAddsUp) {
  for (const NodeInfo& info : Topology::machine().nodes()) {
    const auto memory = node_memory(info.node);
    ASSERT_TRUE(memory) << memory.error().sentence();
    EXPECT_LE(memory->free_bytes, memory->available_bytes);
    EXPECT_LE(memory->available_bytes, memory->total_bytes);
    EXPECT_GE(memory->total_bytes, info.total_bytes);
  }
}

TEST(Topology, RefusesANodeThatDoesNotExistAndListsThoseThatDo) {
  const SharedMemory memory(kBytes);
  const unsigned node = impossible_node();
  const auto bound = bind_memory(memory.address(), memory.bytes(), Placement::on_node(node));
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code(), Errc::bad_argument);
  EXPECT_NE(bound.error().sentence().find("no NUMA node " + std::to_string(node)),
            std::string_view::npos);
  EXPECT_NE(bound.error().sentence().find("it has 0"), std::string_view::npos);
  const auto asked = node_memory(node);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), Errc::bad_argument);
}

TEST(Topology, BindsSharedMemoryBeforeItExistsAndFindsItThere) {
  const SharedMemory memory(kBytes);
  const unsigned node = Topology::machine().nodes().front().node;
  const auto bound = bind_memory(memory.address(), memory.bytes(), Placement::on_node(node));
  ASSERT_TRUE(bound) << bound.error().sentence();
  memory.touch();
  const PlacementReport report = verify_memory(memory.address(), memory.bytes(), *bound);
  if (!report.verified || !bound->honoured) {
    EXPECT_NE(report.why[0], '\0');
    GTEST_SKIP() << report.why.data();
  }
  EXPECT_TRUE(report.honoured) << report.why.data();
  EXPECT_EQ(report.asked, Placement::on_node(node));
  EXPECT_EQ(report.pages_seen, kBytes / kPageBytes);
  EXPECT_EQ(report.pages_absent, 0U);
  EXPECT_EQ(report.pages_on_node[node], kBytes / kPageBytes);
}

TEST(Topology, ThePolicyLivesInTheFileAndHoldsForOtherMappings) {
  const SharedMemory memory(kBytes);
  const unsigned node = Topology::machine().nodes().front().node;
  const auto bound = bind_memory(memory.address(), memory.bytes(), Placement::on_node(node));
  ASSERT_TRUE(bound);
  if (!bound->honoured) GTEST_SKIP() << bound->why.data();
  int mode = -1;
  constexpr unsigned long kOfAddress = 2;  // MPOL_F_ADDR
  constexpr int kBind = 2;                 // MPOL_BIND
  ASSERT_EQ(syscall(SYS_get_mempolicy, &mode, nullptr, 0, memory.address(), kOfAddress), 0);
  EXPECT_EQ(mode & 0xff, kBind) << "strict, not merely preferred";
}

TEST(Topology, InterleavesOverTheNodesThereAre) {
  const SharedMemory memory(kBytes);
  const auto bound = bind_memory(memory.address(), memory.bytes(), Placement::interleaved());
  ASSERT_TRUE(bound) << bound.error().sentence();
  memory.touch();
  const PlacementReport report = verify_memory(memory.address(), memory.bytes(), *bound);
  if (!report.verified || !bound->honoured) GTEST_SKIP() << report.why.data();
  EXPECT_TRUE(report.honoured) << report.why.data();
  EXPECT_EQ(std::accumulate(report.pages_on_node.begin(), report.pages_on_node.end(), 0ULL),
            report.pages_seen);
}

TEST(Topology, MemoryThatIsNotThereYetCannotBeVerified) {
  const SharedMemory memory(kBytes);
  const PlacementReport report = verify_memory(memory.address(), memory.bytes(), {});
  EXPECT_FALSE(report.verified);
  EXPECT_NE(report.why[0], '\0');
}

TEST(Topology, ALargeMappingIsSampledEvenly) {
  const SharedMemory memory(5000 * kPageBytes);
  memory.touch();
  PlacementReport anywhere;
  anywhere.honoured = true;
  const PlacementReport report = verify_memory(memory.address(), memory.bytes(), anywhere);
  if (!report.verified) GTEST_SKIP() << report.why.data();
  EXPECT_EQ(report.pages_seen, 4096U);
  EXPECT_TRUE(report.honoured);
}

TEST(Topology, PagesOnAnotherNodeThanAskedAreReported) {
  const SharedMemory memory(kBytes);
  memory.touch();
  PlacementReport wish;
  wish.asked = Placement::on_node(impossible_node());
  wish.honoured = true;
  const PlacementReport report = verify_memory(memory.address(), memory.bytes(), wish);
  if (!report.verified) GTEST_SKIP() << report.why.data();
  EXPECT_FALSE(report.honoured);
  EXPECT_NE(std::string(report.why.data()).find("64 of 64 pages"), std::string::npos);
}

TEST(Topology, RefusesMemoryThatIsNotMapped) {
  const SharedMemory memory(kBytes);
  char* const inside = static_cast<char*>(memory.address()) + 1;
  const auto crooked = bind_memory(inside, kPageBytes, Placement::on_node(0));
  ASSERT_FALSE(crooked);
  EXPECT_EQ(crooked.error().code(), Errc::bad_argument);
  // The kernel never maps the lowest pages; a hole made by munmap could be filled again by then.
  void* const nowhere = reinterpret_cast<void*>(kPageBytes);
  const auto unmapped = bind_memory(nowhere, kPageBytes, Placement::on_node(0));
  ASSERT_FALSE(unmapped);
  EXPECT_EQ(unmapped.error().code(), Errc::bad_argument);
}

TEST(Topology, AContainerThatRefusesEverythingMakesItUntoldAndNoError) {
  const auto child = run_in_child([]() -> std::string {
    if (!refuse_system_calls({SYS_mbind, SYS_move_pages, SYS_get_mempolicy})) return "no seccomp";
    const SharedMemory memory(kBytes);
    const auto bound = bind_memory(memory.address(), memory.bytes(), Placement::on_node(0));
    if (!bound) return std::string(bound.error().sentence());
    if (bound->honoured) return "says that the refused binding is in force";
    if (bound->why[0] == '\0') return "does not say why";
    memory.touch();
    const PlacementReport report = verify_memory(memory.address(), memory.bytes(), *bound);
    if (report.verified || report.honoured) return "says that it knows where the memory is";
    if (report.pages_seen != 0) return "counts pages it cannot have seen";
    const PlacementReport unasked = verify_memory(memory.address(), memory.bytes(), {});
    if (std::string(unasked.why.data()).find("cannot tell") == std::string::npos) return "silent";
    return "";
  });
  EXPECT_EQ(child.said, "");
  EXPECT_EQ(child.exit_code, 0);
}

TEST(Topology, WhereOnlyMovePagesIsRefusedThePagesAreFoundOneByOne) {
  const auto child = run_in_child([]() -> std::string {
    const SharedMemory memory(kBytes);
    const auto bound = bind_memory(memory.address(), memory.bytes(), Placement::on_node(0));
    if (!bound) return std::string(bound.error().sentence());
    memory.touch();
    if (!verify_memory(memory.address(), memory.bytes(), *bound).verified) return "";
    if (!refuse_system_calls({SYS_move_pages})) return "no seccomp";
    const PlacementReport report = verify_memory(memory.address(), memory.bytes(), *bound);
    if (!report.verified || !report.honoured) return report.why.data();
    return report.pages_on_node[0] == report.pages_seen ? "" : "pages are missing";
  });
  EXPECT_EQ(child.said, "");
}

TEST(Topology, PinsAThreadToEachProcessorItMayUse) {
  const auto allowed = allowed_cpus();
  ASSERT_TRUE(allowed);
  ASSERT_FALSE(allowed->empty());
  std::thread([&] {
    for (const unsigned cpu : *allowed) {
      const auto pinned = pin_this_thread(cpu);
      ASSERT_TRUE(pinned) << pinned.error().sentence();
      EXPECT_EQ(current_cpu(), cpu);
      EXPECT_EQ(allowed_cpus().value(), std::vector<unsigned>{cpu});
    }
  }).join();
  EXPECT_EQ(allowed_cpus().value(), *allowed) << "other threads stay free";
}

TEST(Topology, RefusesAProcessorThatDoesNotExistAndListsThoseThatDo) {
  for (const unsigned cpu : {Topology::machine().cpus().back().cpu + 1, 1U << 20}) {
    const auto pinned = pin_this_thread(cpu);
    ASSERT_FALSE(pinned);
    EXPECT_EQ(pinned.error().code(), Errc::bad_argument);
    EXPECT_FALSE(node_of_cpu(cpu));
  }
}

}  // namespace
}  // namespace millrace
