#include "remove_ipc.hpp"

#include "small_file.hpp"

#include <array>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>
#include <system_error>

namespace millrace::tools {
namespace {

std::string without_spaces(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
  return text;
}

// Changes `answer` if the file says something.
void read_settings(const std::string& path, bool& answer) {
  std::istringstream lines(read_small_file(path).value_or(""));
  constexpr std::string_view kKey = "RemoveIPC=";
  for (std::string line; std::getline(lines, line);) {
    const std::string bare = without_spaces(line);
    if (!bare.starts_with(kKey)) continue;
    const std::string value = bare.substr(kKey.size());
    answer = value == "yes" || value == "true" || value == "on" || value == "1" || value == "y" ||
             value == "t";
  }
}

}  // namespace

bool removes_ipc(const std::string& root) {
  constexpr std::array<const char*, 4> kPlaces = {"/usr/lib", "/usr/local/lib", "/run", "/etc"};
  std::map<std::string, std::string> drop_ins;
  bool answer = true;
  for (const char* place : kPlaces) {
    const std::string directory = root + place + "/systemd/logind.conf.d";
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
      if (entry.path().extension() == ".conf") {
        drop_ins[entry.path().filename().string()] = entry.path().string();
      }
    }
  }
  for (const char* place : {"/usr/lib", "/etc"})
    read_settings(root + place + "/systemd/logind.conf", answer);
  for (const auto& [name, path] : drop_ins)
    read_settings(path, answer);
  return answer;
}

}  // namespace millrace::tools
