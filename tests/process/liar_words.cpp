#include "process/liar_words.hpp"

#include "millrace/core/channel_journal_layout.hpp"
#include "millrace/core/clock_layout.hpp"
#include "millrace/core/doorbell_layout.hpp"
#include "millrace/core/meta_layout.hpp"
#include "millrace/core/order_layout.hpp"
#include "millrace/core/participant_layout.hpp"
#include "millrace/core/reader_layout.hpp"
#include "millrace/core/remembered_layout.hpp"
#include "millrace/core/stamp_layout.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace millrace::liar {

namespace {

// "//   offset  size  field  writer  meaning", with "-" for a size that has no end.
bool parse_row(const std::string& line, Row& row) {
  std::istringstream words(line);
  std::string slashes;
  std::string size;
  if (!(words >> slashes >> row.offset >> size >> row.field) || slashes != "//") return false;
  if (size == "-") {
    row.bytes = 0;
    return true;
  }
  return static_cast<bool>(std::istringstream(size) >> row.bytes);
}

// "struct alignas(64) Name {" is Name; every other line nothing.
std::string struct_name(const std::string& line) {
  if (!line.starts_with("struct ") || !line.ends_with("{")) return {};
  std::istringstream words(line);
  std::string name;
  std::string word;
  while (words >> word && word != "{")
    name = word;
  return name;
}

const Table& find_table(const std::vector<Table>& tables, const std::string& name) {
  static const Table kNone;
  const auto found = std::ranges::find(tables, name, &Table::name);
  return found == tables.end() ? kNone : *found;
}

void add_words(std::vector<Word>& words, const Table& table, std::size_t base) {
  for (const Row& row : table.rows) {
    if (row.field == "header") {
      add_words(words, find_table(tables_of("segment"), "SegmentHeader"), base + row.offset);
      continue;
    }
    for (std::size_t at = 0; at < row.bytes;) {
      const std::size_t bytes = std::min<std::size_t>(row.bytes - at, sizeof(std::uint64_t));
      words.push_back({base + row.offset + at, bytes, row.field});
      at += bytes;
    }
  }
}

}  // namespace

const char* to_string(Role role) noexcept {
  return role == Role::subscriber ? "subscriber" : "publisher";
}

std::vector<Table> tables_of(const std::string& layout) {
  std::ifstream header(std::string(MILLRACE_SOURCE_DIR) + "/core/include/millrace/core/" + layout +
                       "_layout.hpp");
  std::vector<Table> tables;
  std::vector<Row> rows;
  for (std::string line; std::getline(header, line);) {
    Row row;
    if (parse_row(line, row)) rows.push_back(row);
    const std::string name = struct_name(line);
    if (!name.empty() && !rows.empty()) tables.push_back({name, std::exchange(rows, {})});
  }
  return tables;
}

const std::vector<FilePlan>& file_plans() {
  using namespace millrace::layout;
  static const std::vector<FilePlan> plans{
      {"reader", "ReaderFile", "ReaderSlot", sizeof(ReaderFile), sizeof(ReaderSlot), true, true},
      {"doorbell", "DoorbellFile", "DoorbellSlot", sizeof(DoorbellFile), sizeof(DoorbellSlot), true,
       true},
      {"participant", "ParticipantFile", nullptr, sizeof(ParticipantFile), 0, true, true},
      {"remembered", "RememberedFile", "RememberedSlot", sizeof(RememberedFile),
       sizeof(RememberedSlot), true, true},
      {"lane", "LaneControl", nullptr, sizeof(LaneControl), 0, false, true},
      {"order", "OrderFile", nullptr, sizeof(OrderFile), 0, false, true},
      {"stamp", "StampFile", "StampSlot", sizeof(StampFile), sizeof(StampSlot), true, true},
      {"meta", "MetaFile", nullptr, sizeof(MetaFile), 0, false, false},
      {"channel_journal", "ChannelJournalFile", "JournalSlot", sizeof(ChannelJournalFile),
       sizeof(JournalSlot), false, false},
      {"clock", "ClockFile", nullptr, sizeof(ClockFile), 0, false, false},
  };
  return plans;
}

std::vector<Word> words_of(const FilePlan& plan, std::uint32_t lanes) {
  const std::vector<Table> tables = tables_of(plan.layout);
  std::vector<Word> words;
  add_words(words, find_table(tables, plan.base), 0);
  for (std::uint32_t lane = 0; plan.slot != nullptr && lane < lanes; ++lane)
    add_words(words, find_table(tables, plan.slot), plan.base_bytes + lane * plan.slot_bytes);
  return words;
}

std::string gap_in(const Table& table, std::size_t bytes) {
  std::size_t covered = 0;
  for (const Row& row : table.rows) {
    if (row.offset != covered)
      return table.name + ": no row covers byte " + std::to_string(covered);
    covered += row.bytes;
  }
  if (covered == bytes) return {};
  return table.name + " has " + std::to_string(bytes) + " bytes, its rows cover " +
         std::to_string(covered);
}

}  // namespace millrace::liar
