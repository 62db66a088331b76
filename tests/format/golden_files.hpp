// One file of each kind with fixed contents, built from the layout structures themselves; and what
// every field of it is, by an offset written out by hand. The first shows what the compiler makes
// of the structures, the second what it has to make of them.
#pragma once

#include "hex_text.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::format_test {

struct GoldenFile {
  std::string name;    // golden/NAME.hex
  std::string layout;  // core/include/millrace/core/LAYOUT_layout.hpp
  Bytes bytes;
};

// In the order of layout::FileKind, then the histogram.
[[nodiscard]] std::vector<GoldenFile> golden_files();

// A field that must hold `value` at `offset`, in host byte order (`bytes` 1 to 8).
struct GoldenField {
  std::string structure;
  std::string field;
  std::size_t offset;
  std::size_t bytes;
  std::uint64_t value;
};

// Every field of one golden file. Texts and arrays are given by their first bytes.
[[nodiscard]] std::vector<GoldenField> golden_fields(const std::string& name);

// What is wrong with these bytes as golden file `name`, one sentence each.
[[nodiscard]] std::vector<std::string> complaints(const std::string& name, const Bytes& bytes);

}  // namespace millrace::format_test
