// core/FORMAT.md is held to the code: its tables are those of the layout headers, its hex example
// is what a publisher writes, and everything the tables name is pinned by a golden file.
#include "golden_files.hpp"
#include "millrace/core/lane_layout.hpp"
#include "millrace/transport/domain.hpp"
#include "support/scratch_directory.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

namespace millrace::format_test {
namespace {

using testing_support::ScratchDirectory;

const std::string kTree = MILLRACE_SOURCE_DIR;

std::string document() {
  return read_text_file(kTree + "/core/FORMAT.md").value_or("");
}

struct Row {
  std::string structure;
  std::string field;
  std::size_t offset;
};

// One comment table of a layout header, without the slashes, and the structure it belongs to.
struct Table {
  std::string text;
  std::vector<Row> rows;
};

void read_row(const std::string& line, Table& table) {
  static const std::regex form(R"( +(\d+) +\d+ +(\w+) .*)");
  std::smatch found;
  if (!std::regex_match(line, found, form)) return;
  table.rows.push_back({"", found[2], std::stoul(found[1])});
}

std::vector<Table> tables_of(const std::string& header) {
  static const std::regex begin(R"(// +offset  size  field .*)");
  static const std::regex structure(R"(struct (alignas\(\d+\) )?(\w+) \{)");
  std::vector<Table> tables;
  std::istringstream lines(header);
  bool inside = false;
  std::smatch found;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, begin)) {
      tables.emplace_back();
      inside = true;
    }
    inside = inside && line.starts_with("//");
    if (inside) {
      tables.back().text += line.substr(2) + "\n";
      read_row(line.substr(2), tables.back());
    } else if (!tables.empty() && std::regex_match(line, found, structure)) {
      for (Row& row : tables.back().rows)
        if (row.structure.empty()) row.structure = found[2];
    }
  }
  return tables;
}

struct Header {
  std::string name;  // lane_layout.hpp
  std::string text;
  std::vector<Table> tables;
};

std::vector<Header> layout_headers() {
  std::vector<Header> headers;
  for (const auto& entry :
       std::filesystem::directory_iterator(kTree + "/core/include/millrace/core")) {
    const std::string name = entry.path().filename();
    if (!name.ends_with("_layout.hpp")) continue;
    const std::string text = read_text_file(entry.path()).value_or("");
    headers.push_back({name, text, tables_of(text)});
  }
  return headers;
}

TEST(FormatDocument, HoldsEveryTableOfEveryLayoutAsItStandsThere) {
  const std::string text = document();
  std::size_t tables = 0;
  for (const Header& header : layout_headers()) {
    EXPECT_NE(text.find("](include/millrace/core/" + header.name + ")"), std::string::npos)
        << "no link to " << header.name;
    for (const Table& table : header.tables) {
      EXPECT_NE(text.find("\n```\n" + table.text + "```\n"), std::string::npos)
          << header.name << " says otherwise; core/FORMAT.md should have\n"
          << table.text;
      ++tables;
    }
  }
  EXPECT_GE(tables, 9U) << "the layout headers have another form than this test knows";
}

TEST(FormatDocument, NamesNothingThatIsNotPinnedByAGoldenFile) {
  for (const Header& header : layout_headers()) {
    for (const Table& table : header.tables) {
      for (const Row& row : table.rows) {
        if (row.field.starts_with("reserved")) continue;
        bool pinned = false;
        for (const GoldenFile& file : golden_files()) {
          for (const GoldenField& field : golden_fields(file.name)) {
            const bool slot = row.structure.ends_with("Slot");
            pinned = pinned || (field.structure == row.structure && field.field == row.field &&
                                (slot || field.offset >= row.offset));
          }
        }
        EXPECT_TRUE(pinned) << header.name << ": " << row.structure << "::" << row.field;
      }
    }
  }
}

// Else a field could move, and files of both versions would pass for the same.
TEST(FormatDocument, EveryOffsetIsPartOfItsFingerprint) {
  static const std::regex spaces("\\s+");
  for (const Header& header : layout_headers()) {
    const std::string text = std::regex_replace(header.text, spaces, " ");
    const std::size_t begin = text.find("fingerprint( {");
    const std::size_t other = text.find("fingerprint({");
    const std::size_t from = std::min(begin, other);
    if (header.name == "segment_layout.hpp" || header.name == "record_layout.hpp") continue;
    ASSERT_NE(from, std::string::npos) << header.name;
    const std::string hashed = text.substr(from, text.find("})", from) - from);
    for (const Table& table : header.tables) {
      for (const Row& row : table.rows) {
        if (row.field.starts_with("reserved")) continue;
        const std::string offset = "offsetof(" + row.structure + ", " + row.field + ")";
        EXPECT_NE(hashed.find(offset), std::string::npos) << header.name << ": " << offset;
      }
    }
  }
}

// The channel of the example: two messages, a batch of two, and an empty message.
void publish_example(const std::string& path) {
  auto domain = Domain::open({.path = path});
  ASSERT_TRUE(domain) << domain.error().sentence();
  ChannelOptions options;
  options.ring_bytes = 4096;
  auto channel = domain->create("prices", options);
  ASSERT_TRUE(channel) << channel.error().sentence();
  auto publisher = channel->publisher({.name = "feed"});
  ASSERT_TRUE(publisher) << publisher.error().sentence();
  ASSERT_TRUE(publisher->send("AAPL", 7));
  ASSERT_TRUE(publisher->send("585.94 585.97"));
  auto batch = publisher->batch();
  ASSERT_TRUE(batch);
  ASSERT_TRUE(batch->add(std::as_bytes(std::span("one", 3)), 1));
  ASSERT_TRUE(batch->add(std::as_bytes(std::span("two more", 8)), 2));
  std::move(*batch).publish();
  ASSERT_TRUE(publisher->send(""));
}

// What differs from run to run, and from machine to machine.
void make_the_same(Bytes& bytes) {
  auto& lane = *reinterpret_cast<layout::LaneControl*>(bytes.data());
  std::iota(std::begin(lane.header.boot_id), std::end(lane.header.boot_id), std::uint8_t{0xb0});
  lane.header.created_wall_ns = 1'340'280'000'000'000'000;
  lane.header.creator_incarnation = 0x00c0'ffee'1234'5678;
  lane.owner_incarnation.store(0x00c0'ffee'1234'5678, std::memory_order_relaxed);
  lane.owner_id.store(1, std::memory_order_relaxed);
  lane.epoch = 0x0e0e'0001'0002'0003;
  lane.fencing.store(0, std::memory_order_relaxed);
}

TEST(FormatDocument, ShowsALaneAsAPublisherWritesIt) {
  const ScratchDirectory directory;
  publish_example(directory / "domain");
  std::ifstream file(directory / "domain/prices/lane-0", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  ASSERT_EQ(text.size(), 8192U);
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  make_the_same(bytes);
  const std::string example = to_hex_text(bytes);
  EXPECT_NE(document().find("\n```\n" + example + "```\n"), std::string::npos)
      << "core/FORMAT.md should have this, and explain it:\n"
      << example;
}

}  // namespace
}  // namespace millrace::format_test
