// One line in main() of a program whose subscribers read the past of durable channels.
#pragma once

namespace millrace {

// Lets transport's subscribers read journals (history.hpp). Recorder and Replayer call it by
// themselves. Any thread, any number of times.
void use_journals() noexcept;

}  // namespace millrace
