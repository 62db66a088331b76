// The facts of a device, read from made-up machines and from this one.
#include "disk_fixture.hpp"
#include "millrace/persist/device_facts.hpp"
#include "support/scratch_directory.hpp"

#include <filesystem>
#include <fstream>

namespace millrace {
namespace {

using namespace testing_support;

class DeviceFactsOf : public ::testing::Test {
 protected:
  void file(const std::string& path, const std::string& content) {
    const std::filesystem::path whole = root() + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << content;
  }

  void link(const std::string& path, const std::string& target) {
    const std::filesystem::path whole = root() + path;
    std::filesystem::create_directories(whole.parent_path());
    std::filesystem::create_symlink(root() + target, whole);
  }

  [[nodiscard]] std::string root() const { return scratch_.path().string(); }

  ScratchDirectory scratch_;
};

TEST_F(DeviceFactsOf, APartitionOfAnNvmeDriveHasTheQueuesOfItsController) {
  const std::string drive = "/sys/devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1";
  link("/sys/dev/block/259:2", drive + "/nvme0n1p2");
  file(drive + "/nvme0n1p2/partition", "2\n");
  file(drive + "/queue/write_cache", "write through\n");
  file(drive + "/queue/fua", "1\n");
  file(drive + "/queue/physical_block_size", "16384\n");
  file("/proc/interrupts",
       "            CPU0       CPU1\n"
       "  24:          1          0  PCI-MSIX-0000:00:04.0   0-edge      nvme0q0\n"
       "  25:          9          9  PCI-MSIX-0000:00:04.0   1-edge      nvme0q1\n"
       "  26:          9          9  PCI-MSIX-0000:00:04.0   2-edge      nvme0q12\n"
       "  27:          9          9  PCI-MSIX-0000:00:05.0   1-edge      nvme01q1\n"
       "  28:          9          9  PCI-MSIX-0000:00:06.0   1-edge      nvme1q1\n");
  file("/proc/irq/24/effective_affinity_list", "7\n");
  file("/proc/irq/25/effective_affinity_list", "2\n");
  file("/proc/irq/26/effective_affinity_list", "\n");
  file("/proc/irq/26/smp_affinity_list", "0-1,5\n");
  file("/proc/irq/27/effective_affinity_list", "8\n");
  file("/proc/irq/28/effective_affinity_list", "9\n");
  const DeviceFacts facts = facts_of_device("259:2", root());
  EXPECT_EQ(facts.number, "259:2");
  EXPECT_EQ(facts.name, "nvme0n1p2");
  EXPECT_EQ(facts.write_cache, "write through");
  EXPECT_EQ(facts.fua, true);
  EXPECT_EQ(facts.physical_block, 16384U);
  EXPECT_EQ(facts.interrupt_cpus, (std::vector<unsigned>{0, 1, 2, 5}));
}

TEST_F(DeviceFactsOf, AMirrorHasTheInterruptsOfAllItsDisks) {
  const std::string first = "/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda";
  const std::string second = "/sys/devices/pci0000:00/0000:00:03.0/host0/target0/block/sda";
  link("/sys/dev/block/253:0", "/sys/devices/virtual/block/dm-0");
  link("/sys/devices/virtual/block/dm-0/slaves/vda", first);
  link("/sys/devices/virtual/block/dm-0/slaves/sda", second);
  file(first + "/dev", "254:0\n");
  file(second + "/dev", "8:0\n");
  file("/sys/devices/virtual/block/dm-0/queue/write_cache", "write back\n");
  file("/sys/devices/pci0000:00/0000:00:03.0/msi_irqs/40", "msix\n");
  file("/sys/devices/pci0000:00/0000:00:03.0/msi_irqs/41", "msix\n");
  file("/proc/interrupts",
       " 36:  0  1  PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\n"
       " 37:  0  1  PCI-MSIX-0000:00:03.0   1-edge      virtio10-req.0\n");
  file("/proc/irq/36/effective_affinity_list", "1\n");
  file("/proc/irq/37/effective_affinity_list", "6\n");
  file("/proc/irq/40/effective_affinity_list", "3\n");
  file("/proc/irq/41/effective_affinity_list", "4\n");
  const DeviceFacts facts = facts_of_device("253:0", root());
  EXPECT_EQ(facts.name, "dm-0");
  EXPECT_EQ(facts.write_cache, "write back");
  EXPECT_EQ(facts.fua, std::nullopt);
  EXPECT_EQ(facts.interrupt_cpus, (std::vector<unsigned>{1, 3, 4}));
}

TEST_F(DeviceFactsOf, WhatCannotBeSeenIsUnknown) {
  for (const char* const number : {"", "8:0"}) {
    const DeviceFacts facts = facts_of_device(number, root());
    EXPECT_EQ(facts.number, "");
    EXPECT_EQ(facts.write_cache, "unknown");
    EXPECT_EQ(facts.fua, std::nullopt);
    EXPECT_EQ(facts.physical_block, 0U);
    EXPECT_TRUE(facts.interrupt_cpus.empty());
  }
}

TEST_F(DeviceFactsOf, AHostileListOfProcessorsIsBounded) {
  const std::string disk = "/sys/devices/pci0000:00/virtio1/block/vda";
  link("/sys/dev/block/254:0", disk);
  file(disk + "/dev", "254:0\n");
  file("/proc/interrupts", " 36: 0 edge virtio1-req.0\n");
  file("/proc/irq/36/effective_affinity_list", "x,3-1,4294967295,0-4294967295,-,\n");
  EXPECT_LE(facts_of_device("254:0", root()).interrupt_cpus.size(), 8194U);
}

TEST_F(DeviceFactsOf, OfThisMachineAgreeWithTheKernel) {
  const DiskScratch disk;
  if (disk.path().empty()) GTEST_SKIP() << "no directory here is on ext4 or XFS";
  const auto facts = device_facts(disk.path().string());
  ASSERT_TRUE(facts) << said(facts);
  if (facts->number.empty()) GTEST_SKIP() << "the device cannot be seen from here";
  EXPECT_GE(facts->physical_block, 512U);
  EXPECT_TRUE(facts->write_cache == "write back" || facts->write_cache == "write through");
  EXPECT_EQ(code_of(device_facts(disk / "nowhere")), Errc::not_found);
}

}  // namespace
}  // namespace millrace
