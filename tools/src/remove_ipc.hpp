// systemd-logind, as it is delivered, removes a user's files in /dev/shm when the user's last
// session ends (RemoveIPC=yes), also those of services that go on running. Users of system accounts
// are spared.
#pragma once

#include <string>

namespace millrace::tools {

// What logind.conf and its drop-ins say, read below `root` (empty: this machine). Later drop-ins
// win; of two with the same name the one in /etc, then /run, then /usr/local/lib, then /usr/lib.
[[nodiscard]] bool removes_ipc(const std::string& root = "");

}  // namespace millrace::tools
