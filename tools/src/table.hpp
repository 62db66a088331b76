// Rows of text in columns that are as wide as they must be; numbers stand on the right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::tools {

class Table {
 public:
  explicit Table(std::vector<std::string> titles) { add(std::move(titles)); }

  // REQUIRES as many cells as titles.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // Every line begins with `indent` and ends with a newline, without spaces before it.
  [[nodiscard]] std::string text(const std::string& indent = "") const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Printed as it is up to 99,999, then with three digits: "1.23M". For people.
[[nodiscard]] std::string short_number(double number);

}  // namespace millrace::tools
