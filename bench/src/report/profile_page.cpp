#include "millrace/bench/profile_report.hpp"
#include "page_files.hpp"
#include "report_words.hpp"

namespace millrace::bench {

namespace {

// REQUIRES that `mark` is there.
void put(std::string& page, const std::string& mark, const std::string& text) {
  page.replace(page.find(mark), mark.size(), text);
}

// Within <script>: whatever the report says, it cannot end the element.
std::string harmless(std::string json) {
  for (std::size_t at = 0; (at = json.find('<', at)) != std::string::npos;)
    json.replace(at, 1, "\\u003c");
  return json;
}

}  // namespace

Result<std::string> profile_page(std::string_view json) {
  const auto report = parse_report(json);
  if (!report) return Failure(report.error());
  std::string page = kPageHtml;
  // From the end, so that a mark within a text that was put in is never taken for one.
  put(page, "@PAGE_JS@", kPageJs);
  put(page, "@UPLOT@", kUplotJs);
  put(page, "@REPORT@", harmless(report->dump()));
  put(page, "@PAGE_CSS@", std::string(kUplotCss) + kPageCss);
  return page;
}

}  // namespace millrace::bench
