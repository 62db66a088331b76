// lying_file_system, mounted for one test over a directory of its own.
#pragma once

#include "support/loop_mount.hpp"

#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <string>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace millrace::testing_support {

class FuseMount {
 public:
  FuseMount() {
    if (!private_mnt()) return;
    std::string text = (std::filesystem::temp_directory_path() / "millrace-fuse-XXXXXX").string();
    if (mkdtemp(text.data()) == nullptr) return;
    home_ = text;
    std::filesystem::create_directory(home_ + "/kept");
    std::filesystem::create_directory(home_ + "/drive");
    start();
  }

  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;

  ~FuseMount() {
    if (mounted_) umount2(drive().c_str(), MNT_DETACH);
    if (daemon_ > 0) {
      kill(daemon_, SIGKILL);
      waitpid(daemon_, nullptr, 0);
    }
    std::error_code ignored;
    if (!home_.empty()) std::filesystem::remove_all(home_, ignored);
  }

  // False: no /dev/fuse, or not allowed to mount.
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }

  [[nodiscard]] std::string drive() const { return home_ + "/drive"; }

  // honest, lie, fail, cut, back.
  void say(const std::string& word) const { std::ofstream(drive() + "/.control") << word; }

 private:
  void start() {
    const std::string kept = home_ + "/kept";
    const std::string program = std::string(MILLRACE_BIN_DIR) + "/lying_file_system";
    daemon_ = fork();
    if (daemon_ == 0) {
      const int nowhere = open("/dev/null", O_RDWR);
      dup2(nowhere, STDERR_FILENO);
      execl(program.c_str(), program.c_str(), kept.c_str(), drive().c_str(), nullptr);
      _exit(2);
    }
    constexpr int kAttempts = 500;
    for (int i = 0; i < kAttempts && !mounted_; ++i) {
      struct statfs status {};

      constexpr long kFuse = 0x65735546;
      mounted_ = statfs(drive().c_str(), &status) == 0 && status.f_type == kFuse;
      if (!mounted_ && waitpid(daemon_, nullptr, WNOHANG) == daemon_) {
        daemon_ = 0;
        return;
      }
      if (!mounted_) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  std::string home_;
  pid_t daemon_ = 0;
  bool mounted_ = false;
};

}  // namespace millrace::testing_support
