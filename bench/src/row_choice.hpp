// Which rows there are, and which of them were asked for.
#pragma once

#include "millrace/core/result.hpp"
#include "solo_rows.hpp"
#include "subject.hpp"

#include <set>
#include <string>
#include <vector>

namespace millrace::bench {

struct RowChoice {
  SubjectSet subjects;               // measured in slices, without their company
  std::vector<const SoloRow*> solo;  // measured by themselves
  std::set<std::string> names;       // of all of them

  // Whether a row of this name was asked for, rather than stands beside one that was.
  [[nodiscard]] bool asked_for(const std::string& name) const;
};

// Names of rows ("stream/32"), or what stands before a slash for all of that kind ("stream"). None:
// every row but those with planted defects. Error bad_argument: a name that no row has.
[[nodiscard]] Result<RowChoice> choose_rows(const std::vector<std::string>& wanted);

}  // namespace millrace::bench
