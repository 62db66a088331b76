#include "report.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace millrace::tools {

int report(const Error& error, bool json, std::FILE* json_to) {
  if (json) {
    print_json({{"ok", false},
                {"error",
                 {{"code", to_string(error.code())}, {"sentence", std::string(error.sentence())}}}},
               json_to);
  } else {
    std::fflush(stdout);
    std::fprintf(stderr, "millrace: %.*s\n", static_cast<int>(error.sentence().size()),
                 error.sentence().data());
  }
  return kBadEnvironment;
}

int report_usage(std::string_view sentence, bool json, std::FILE* json_to) {
  return report(Error(Errc::bad_argument, 0, sentence), json, json_to);
}

void print_json(const nlohmann::json& object, std::FILE* to) {
  const std::string text =
      object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

bool stdout_open() noexcept {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace millrace::tools
