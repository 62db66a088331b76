#include "table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace millrace::tools {
namespace {

bool number_like(const std::string& cell) {
  return cell == "-" || (!cell.empty() && cell.front() >= '0' && cell.front() <= '9');
}

}  // namespace

std::string Table::text(const std::string& indent) const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> right(columns, rows_.size() > 1);
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      widths[column] = std::max(widths[column], rows_[row][column].size());
      if (row != 0 && !number_like(rows_[row][column])) right[column] = false;
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line = indent;
    for (std::size_t column = 0; column < columns; ++column) {
      const std::string space(widths[column] - row[column].size(), ' ');
      line += right[column] ? space + row[column] : row[column] + space;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string short_number(double number) {
  constexpr std::array<char, 4> kUnits = {'K', 'M', 'G', 'T'};
  std::array<char, 32> text{};
  if (number < 99'999.5) {
    std::snprintf(text.data(), text.size(), number < 10 && number > 0 ? "%.1f" : "%.0f", number);
    return text.data();
  }
  std::size_t unit = 0;
  for (number /= 1e3; number >= 999.5 && unit + 1 < kUnits.size(); ++unit)
    number /= 1e3;
  std::snprintf(text.data(), text.size(),
                number < 10    ? "%.2f%c"
                : number < 100 ? "%.1f%c"
                               : "%.0f%c",
                number, kUnits[unit]);
  return text.data();
}

}  // namespace millrace::tools
