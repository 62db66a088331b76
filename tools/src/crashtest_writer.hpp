// The process that a crash test kills: publishers and their recorder, as many users have them.
#pragma once

namespace millrace::tools {

// From the page on kCrashPageFd; publishes until it is killed. Returns an exit code if something
// else ends it: the page then says what.
int live_as_crash_writer();

}  // namespace millrace::tools
