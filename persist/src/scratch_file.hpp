// A file without a name in a journal's directory, gone when it is closed: to try out what the file
// system can do before anything of the journal exists.
#pragma once

#include "millrace/core/descriptor.hpp"

namespace millrace {

// -1 with errno set. Where unnamed files are refused, a named one is made and unlinked at once.
[[nodiscard]] Descriptor scratch_file(int directory_fd, bool direct) noexcept;

}  // namespace millrace
