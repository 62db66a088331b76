#include "millrace/bench/load_schedule.hpp"
#include "millrace/persist/journal_reader.hpp"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace millrace::bench {

namespace {

// The column's field without quotes and spaces; nothing if the row is shorter.
std::optional<std::string_view> field_of(std::string_view row, std::uint32_t column) {
  for (std::uint32_t at = 1; at < column; ++at) {
    const std::size_t comma = row.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    row.remove_prefix(comma + 1);
  }
  std::string_view field = row.substr(0, row.find(','));
  while (!field.empty() && (field.front() == ' ' || field.front() == '"'))
    field.remove_prefix(1);
  while (!field.empty() && (field.back() == ' ' || field.back() == '"' || field.back() == '\r'))
    field.remove_suffix(1);
  return field;
}

std::optional<double> number_of(std::optional<std::string_view> field) {
  double value = 0;
  if (!field || field->empty()) return std::nullopt;
  const char* const end = field->data() + field->size();
  const auto [stopped, error] = std::from_chars(field->data(), end, value);
  if (error != std::errc{} || stopped != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

Result<std::vector<std::uint64_t>> read_csv(const LoadShape& shape) {
  std::ifstream file(shape.path);
  if (!file) return fail_os(errno, "cannot read the arrivals %s", shape.path.c_str());
  std::vector<std::uint64_t> arrivals;
  std::optional<double> first;
  double before = 0;
  std::uint64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line == "\r") continue;
    const auto value = number_of(field_of(line, shape.column));
    if (!value && !first) continue;
    if (!value || (first && *value < before)) {
      return fail(Errc::bad_argument, "%s, line %llu: column %u %s", shape.path.c_str(),
                  static_cast<unsigned long long>(number), shape.column,
                  value ? "goes back in time; sort the recording" : "holds no number");
    }
    if (!first) first = value;
    before = *value;
    arrivals.push_back(static_cast<std::uint64_t>((*value - *first) * shape.unit_ns));
    if (arrivals.size() == kLoadMessagesMax) break;
  }
  if (!arrivals.empty()) return arrivals;
  return fail(Errc::bad_argument, "%s: column %u holds no number", shape.path.c_str(),
              shape.column);
}

// A journal knows when an item was made: the messages of one item arrived since the item before.
// They are spread evenly over that time, which is as much as can be known.
class ItemSpread {
 public:
  void add(std::uint64_t wall_ns) {
    if (wall_ns != item_ns_) close(wall_ns);
    ++waiting_;
  }

  std::vector<std::uint64_t> take() {
    close(item_ns_);
    return std::move(arrivals_);
  }

 private:
  void close(std::uint64_t next_ns) {
    if (waiting_ != 0 && begin_ns_ == 0) begin_ns_ = before_ns_ = item_ns_;
    const double length = static_cast<double>(item_ns_ - before_ns_);
    for (std::uint64_t each = 1; each <= waiting_; ++each) {
      const double share = static_cast<double>(each) / static_cast<double>(waiting_);
      arrivals_.push_back(before_ns_ - begin_ns_ + static_cast<std::uint64_t>(length * share));
    }
    if (waiting_ != 0) before_ns_ = item_ns_;
    waiting_ = 0;
    // A wall clock that was set back makes no arrival earlier than the one before.
    item_ns_ = std::max(item_ns_, next_ns);
  }

  std::vector<std::uint64_t> arrivals_;
  std::uint64_t begin_ns_ = 0;
  std::uint64_t before_ns_ = 0;
  std::uint64_t item_ns_ = 0;
  std::uint64_t waiting_ = 0;
};

Result<std::vector<std::uint64_t>> read_journal(const std::string& directory) {
  auto reader = JournalReader::open(directory);
  if (!reader) return Failure(reader.error());
  ItemSpread spread;
  for (std::uint64_t count = 0; count < kLoadMessagesMax; ++count) {
    const auto message = reader->next();
    if (!message) return Failure(message.error());
    if (!*message) break;
    spread.add((*message)->wall_ns);
  }
  auto arrivals = spread.take();
  if (arrivals.empty()) {
    return fail(Errc::bad_argument, "the journal in %s holds no messages", directory.c_str());
  }
  return arrivals;
}

}  // namespace

Result<std::vector<std::uint64_t>> read_arrivals(const LoadShape& shape) {
  std::error_code ignored;
  if (std::filesystem::is_directory(shape.path, ignored)) return read_journal(shape.path);
  return read_csv(shape);
}

}  // namespace millrace::bench
