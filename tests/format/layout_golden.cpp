// Writes and reads one file of every kind with fixed contents, as text (golden/NAME.hex):
//
//   layout_golden write DIR    makes DIR/NAME.hex from the layout structures
//   layout_golden read DIR     0: every field of every file is where and what it has to be
//
// A layout that changes on purpose gets new golden files with
//
//   build/release/bin/layout_golden write tests/format/golden
//
// and the fields in golden_fields.cpp that moved, by hand: that is the review.
#include "golden_files.hpp"

#include <cstdio>
#include <cstring>

namespace {

using namespace millrace::format_test;

int write_all(const std::string& directory) {
  for (const GoldenFile& file : golden_files()) {
    const std::string path = directory + "/" + file.name + ".hex";
    if (!write_text_file(path, to_hex_text(file.bytes))) {
      std::fprintf(stderr, "layout_golden: cannot write %s\n", path.c_str());
      return 2;
    }
  }
  return 0;
}

int read_all(const std::string& directory) {
  int wrong = 0;
  for (const GoldenFile& expected : golden_files()) {
    const std::string path = directory + "/" + expected.name + ".hex";
    const auto text = read_text_file(path);
    const auto bytes = text ? from_hex_text(*text) : std::nullopt;
    if (!bytes) {
      std::fprintf(stderr, "layout_golden: %s is missing or no hex text\n", path.c_str());
      return 2;
    }
    for (const std::string& sentence : complaints(expected.name, *bytes)) {
      std::fprintf(stderr, "layout_golden: %s\n", sentence.c_str());
      wrong = 1;
    }
    if (*bytes != expected.bytes) {
      std::fprintf(stderr, "layout_golden: %s is not what this program writes\n", path.c_str());
      wrong = 1;
    }
  }
  return wrong;
}

}  // namespace

int main(int count, char** words) {
  if (count == 3 && std::strcmp(words[1], "write") == 0) return write_all(words[2]);
  if (count == 3 && std::strcmp(words[1], "read") == 0) return read_all(words[2]);
  std::fprintf(stderr, "usage: layout_golden write|read DIR\n");
  return 2;
}
