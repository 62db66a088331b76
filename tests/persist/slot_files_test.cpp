// Which of a journal's files are kept open, and at which places.
#include "slot_files.hpp"

#include "support/scratch_directory.hpp"

#include <fcntl.h>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using namespace testing_support;

class SlotFilesPlaces : public ::testing::Test {
 protected:
  SlotFiles::Open open(Disk::File file) {
    auto opened = files_.open(file, true);
    EXPECT_TRUE(opened);
    return opened ? std::move(*opened) : SlotFiles::Open{};
  }

  // More than there are places.
  void open_many() {
    for (Disk::File file = 100; file < 100 + 3 * SlotFiles::kOpenMax; ++file)
      static_cast<void>(open(file));
  }

  ScratchDirectory scratch_;
  SlotFiles files_{Descriptor(::open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
                   scratch_.path(),
                   {.read_only = false, .direct = false}};
};

TEST_F(SlotFilesPlaces, GoToWhatWasUsedLast) {
  const std::uint64_t first = open(1).serial;
  EXPECT_EQ(open(1).serial, first);
  open_many();
  EXPECT_NE(open(1).serial, first);
}

// A write that the kernel has not taken yet names the place, not the file.
TEST_F(SlotFilesPlaces, AreKeptByWhoeverHoldsTheFile) {
  const SlotFiles::Open held = open(1);
  open_many();
  const SlotFiles::Open again = open(1);
  EXPECT_EQ(again.place, held.place);
  EXPECT_EQ(again.serial, held.serial);
}

TEST_F(SlotFilesPlaces, AreGivenAwayWhenAllAreHeld) {
  std::vector<SlotFiles::Open> held;
  for (Disk::File file = 0; file < SlotFiles::kOpenMax; ++file)
    held.push_back(open(file));
  const SlotFiles::Open one_more = open(50);
  EXPECT_EQ(one_more.place, held.front().place);
  EXPECT_NE(fcntl(held.front().file->get(), F_GETFD), -1);  // it is open still
}

}  // namespace
}  // namespace millrace
