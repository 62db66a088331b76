// Every word that a liar may write, read from the tables of the layout headers themselves: a word
// that is added to a layout is lied in from then on, without anybody thinking of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::liar {

enum class Role : std::uint8_t { subscriber, publisher };

[[nodiscard]] const char* to_string(Role role) noexcept;

// A row of a layout's table.
struct Row {
  std::size_t offset = 0;
  std::size_t bytes = 0;  // 0: as many as there are (slots of lanes)
  std::string field;
};

// A struct of a layout header, with its table.
struct Table {
  std::string name;
  std::vector<Row> rows;
};

// All tables of core/include/millrace/core/NAME_layout.hpp, in order.
[[nodiscard]] std::vector<Table> tables_of(const std::string& layout);

// One kind of file of a domain.
struct FilePlan {
  const char* layout;  // core/include/millrace/core/LAYOUT_layout.hpp
  const char* base;    // the struct at its beginning
  const char* slot;    // the struct that follows for each lane; null: none
  std::size_t base_bytes;
  std::size_t slot_bytes;
  bool subscriber;  // who has only the rights of one may write a file of this kind
  bool publisher;   // the same for who may publish
};

// Every kind there is, also those that no liar may write.
[[nodiscard]] const std::vector<FilePlan>& file_plans();

// One thing to lie in: 1, 2, 4 or 8 bytes.
struct Word {
  std::size_t offset = 0;
  std::size_t bytes = 0;
  std::string field;
};

// All words of a file of this kind, header included. What is longer than a word is lied in word by
// word.
[[nodiscard]] std::vector<Word> words_of(const FilePlan& plan, std::uint32_t lanes);

// Nothing if the table covers the struct from its first byte to its last, else what is wrong.
[[nodiscard]] std::string gap_in(const Table& table, std::size_t bytes);

}  // namespace millrace::liar
