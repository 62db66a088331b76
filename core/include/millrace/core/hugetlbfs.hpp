// Huge pages come from a hugetlbfs, a file system whose files consist of them. Only rings live
// there: a small control file would cost a whole huge page, and write() is refused.
//
// Thread rules: any thread. Reads the table of mounts: for setup only.
#pragma once

#include "millrace/core/result.hpp"

#include <string>

namespace millrace {

// The directory of a mounted hugetlbfs with pages of kHugePageBytes that this process may write to.
// Error unsupported: there is none; the sentence says how to mount one.
[[nodiscard]] Result<std::string> find_hugetlbfs();

}  // namespace millrace
