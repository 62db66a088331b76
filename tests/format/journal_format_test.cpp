// persist/FORMAT.md is held to the code, and the journal's bytes to the golden files. A failure
// here is a change of format: a journal on somebody's disk could not be read any more.
#include "golden_journal.hpp"

#include <regex>
#include <sstream>

#include <gtest/gtest.h>

namespace millrace::format_test {
namespace {

const std::string kTree = MILLRACE_SOURCE_DIR;
const std::string kGolden = kTree + "/tests/format/golden/";

std::string document() {
  return read_text_file(kTree + "/persist/FORMAT.md").value_or("");
}

// The comment tables of a layout header, without the slashes.
std::vector<std::string> tables_of(const std::string& header) {
  static const std::regex begin(R"(// +offset  size  field .*)");
  std::vector<std::string> tables;
  std::istringstream lines(header);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, begin)) {
      tables.emplace_back();
      inside = true;
    }
    inside = inside && line.starts_with("//");
    if (inside) tables.back() += line.substr(2) + "\n";
  }
  return tables;
}

TEST(JournalFormat, TheDocumentHoldsEveryTableAsItStandsInTheCode) {
  const std::string text = document();
  std::size_t tables = 0;
  for (const char* const name : {"journal_layout.hpp", "journal_records.hpp"}) {
    const std::string header =
        read_text_file(kTree + "/persist/include/millrace/persist/" + name).value_or("");
    EXPECT_NE(text.find(std::string("](include/millrace/persist/") + name + ")"), std::string::npos)
        << "no link to " << name;
    for (const std::string& table : tables_of(header)) {
      EXPECT_NE(text.find("\n```\n" + table + "```\n"), std::string::npos)
          << name << " says otherwise; persist/FORMAT.md should have\n"
          << table;
      ++tables;
    }
  }
  EXPECT_EQ(tables, 10U) << "the layout headers have another form than this test knows";
}

TEST(JournalFormat, TheDocumentShowsASegmentAsItIsWritten) {
  const std::string example = to_hex_text(example_segment());
  EXPECT_NE(document().find("\n```\n" + example + "```\n"), std::string::npos)
      << "persist/FORMAT.md should have this, and explain it:\n"
      << example;
}

TEST(JournalFormat, GoldenFilesAreWhatTheLayoutsMake) {
  for (const JournalFile& file : golden_journal()) {
    EXPECT_EQ(read_text_file(kGolden + file.name + ".hex"), to_hex_text(file.bytes))
        << file.name << ": after a change that is meant, run\n"
        << MILLRACE_BIN_DIR << "/journal_golden write " << kGolden;
  }
}

TEST(JournalFormat, AGoldenJournalIsReadAsWhatItIs) {
  std::vector<JournalFile> files = golden_journal();
  for (JournalFile& file : files) {
    const auto text = read_text_file(kGolden + file.name + ".hex");
    file.bytes = text ? from_hex_text(*text).value_or(Bytes{}) : Bytes{};
  }
  EXPECT_EQ(complaint_about(files), "");
}

// Every byte of an item but its padding is covered by a checksum.
TEST(JournalFormat, AByteThatMovedIsNoticed) {
  constexpr std::size_t kItem = 2 * 4096;  // the third
  constexpr std::size_t kUsed = 128 + 4 * 32 + 24 + 80 + 40 + 8;
  const std::vector<JournalFile> files = golden_journal();
  for (std::size_t at = 0; at < 512; at += 3) {
    std::vector<JournalFile> changed = files;
    changed[1].bytes[kItem + at] ^= std::byte{0x10};
    EXPECT_EQ(complaint_about(changed).empty(), at >= kUsed) << "byte " << at;
  }
}

}  // namespace
}  // namespace millrace::format_test
