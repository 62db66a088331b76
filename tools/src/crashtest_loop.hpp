// A small ext4 in a file, mounted where nobody else sees it, whose power can be cut: the file
// system stops at once and forgets what it has not yet made durable (EXT4_IOC_SHUTDOWN).
//
// One thread; needs root.
#pragma once

#include "millrace/core/result.hpp"

#include <cstdint>
#include <string>

namespace millrace::tools {

class LoopPower {
 public:
  // Makes DIRECTORY/power.img and mounts it at DIRECTORY/power, in a mount namespace that this
  // process enters for good. Error unsupported: not root, no mkfs.ext4, or the container forbids
  // it.
  [[nodiscard]] static Result<LoopPower> make(const std::string& directory, std::uint64_t bytes);

  LoopPower(LoopPower&& other) noexcept;
  LoopPower& operator=(LoopPower&&) = delete;
  ~LoopPower();  // unmounts and removes both

  [[nodiscard]] const std::string& mount_point() const noexcept { return mount_point_; }

  // Nothing reaches the file system any more, and what was not durable is gone.
  Result<void> cut();

  // Unmounts and mounts it again, as a machine that comes up. REQUIRES that no process has a file
  // of it open.
  Result<void> restore();

 private:
  LoopPower(std::string image, std::string mount_point) noexcept
      : image_(std::move(image)), mount_point_(std::move(mount_point)) {}

  Result<void> mount();
  Result<void> unmount();

  std::string image_;
  std::string mount_point_;
};

}  // namespace millrace::tools
