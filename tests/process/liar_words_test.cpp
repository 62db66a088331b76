// The liar lies in every word there is: its map is read from the layout headers, and nothing in
// them may be left out.
#include "process/liar_words.hpp"

#include "process/liar_round.hpp"
#include "process/liar_tricks.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace millrace::liar {
namespace {

// Layouts that are no file of a domain: parts of files, and what only private memory holds yet.
const std::set<std::string> kParts{"record", "segment", "histogram"};

TEST(LiarWords, KnowsEveryLayoutThereIs) {
  std::set<std::string> known = kParts;
  for (const FilePlan& plan : file_plans())
    known.insert(plan.layout);
  constexpr std::string_view kEnd = "_layout.hpp";
  for (const std::string& name :
       names_in(std::string(MILLRACE_SOURCE_DIR) + "/core/include/millrace/core")) {
    if (!name.ends_with(kEnd)) continue;
    EXPECT_TRUE(known.contains(name.substr(0, name.size() - kEnd.size())))
        << name << ": say in liar_words.cpp who may write such a file, and in docs/trust.md what "
        << "comes of it";
  }
}

TEST(LiarWords, CoversEachFileFromItsFirstByteToItsLast) {
  for (const FilePlan& plan : file_plans()) {
    std::map<std::string, std::size_t> wanted{{plan.base, plan.base_bytes}};
    if (plan.slot != nullptr) wanted[plan.slot] = plan.slot_bytes;
    for (const Table& table : tables_of(plan.layout)) {
      const auto found = wanted.find(table.name);
      if (found == wanted.end()) continue;
      EXPECT_EQ(gap_in(table, found->second), "");
      wanted.erase(found);
    }
    EXPECT_TRUE(wanted.empty()) << plan.layout << " has no table of " << wanted.begin()->first;
    std::size_t bytes = 0;
    for (const Word& word : words_of(plan, 3)) {
      EXPECT_EQ(word.offset, bytes) << plan.layout << "." << word.field;
      bytes += word.bytes;
    }
    EXPECT_EQ(bytes, plan.base_bytes + 3 * plan.slot_bytes) << plan.layout;
  }
}

// Canary: a byte that no row covers is found.
TEST(LiarWords, WouldMissNoByte) {
  Table table{"Made", {{0, 8, "first"}, {16, 8, "third"}}};
  EXPECT_NE(gap_in(table, 24), "");
  table.rows.insert(table.rows.begin() + 1, Row{8, 8, "second"});
  EXPECT_EQ(gap_in(table, 24), "");
  EXPECT_NE(gap_in(table, 32), "");
}

}  // namespace
}  // namespace millrace::liar
