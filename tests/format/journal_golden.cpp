// A journal across compilers and versions, as text (golden/journal_*.hex):
//
//   journal_golden write DIR    makes DIR/journal_*.hex
//   journal_golden read DIR     0: they are read as what was meant, and written again the same
#include "golden_journal.hpp"

#include <cstdio>
#include <cstring>

namespace {

using namespace millrace::format_test;

int complain(const std::string& sentence) {
  std::fprintf(stderr, "journal_golden: %s\n", sentence.c_str());
  return 1;
}

int write_all(const std::string& directory) {
  for (const JournalFile& file : golden_journal()) {
    const std::string path = directory + "/" + file.name + ".hex";
    if (!write_text_file(path, to_hex_text(file.bytes))) return complain("cannot write " + path);
  }
  return 0;
}

int read_all(const std::string& directory) {
  std::vector<JournalFile> files = golden_journal();
  int wrong = 0;
  for (JournalFile& file : files) {
    const auto text = read_text_file(directory + "/" + file.name + ".hex");
    const auto bytes = text ? from_hex_text(*text) : std::nullopt;
    if (!bytes) return complain(file.name + " is missing or no hex text");
    if (*bytes != file.bytes) wrong = complain(file.name + " is not what this program writes");
    file.bytes = *bytes;
  }
  const std::string complaint = complaint_about(files);
  return complaint.empty() ? wrong : complain(complaint);
}

}  // namespace

int main(int count, char** words) {
  if (count == 3 && std::strcmp(words[1], "write") == 0) return write_all(words[2]);
  if (count == 3 && std::strcmp(words[1], "read") == 0) return read_all(words[2]);
  std::fprintf(stderr, "usage: journal_golden write|read DIR\n");
  return 2;
}
