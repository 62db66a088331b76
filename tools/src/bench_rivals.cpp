// millrace bench rivals: hands over to the program that measures others beside Millrace. It is a
// program of its own because it is built only where somebody asked for it (MILLRACE_RIVALS).
#include "bench_rivals.hpp"

#include "report.hpp"

#include <cerrno>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

namespace millrace::tools {
namespace {

constexpr const char* kProgram = "millrace-bench-rivals";

// Beside this program, as the build lays them.
std::string program_beside_us() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).replace_filename(kProgram);
}

// Returns only if it cannot.
int become_program(const std::vector<std::string>& arguments) {
  const std::string program = program_beside_us();
  std::vector<char*> words{const_cast<char*>(kProgram)};
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  execv(program.c_str(), words.data());
  return report(errno == ENOENT
                    ? Error(Errc::system, 0,
                            "millrace-bench-rivals is not built here: tools/bench rivals builds it")
                    : Error(Errc::system, errno, "cannot start millrace-bench-rivals"),
                false);
}

}  // namespace

void add_bench_rivals(CLI::App& bench, int& exit_code) {
  CLI::App& verb = *bench.add_subcommand("rivals", "Other ways to pass messages, in the same run");
  verb.prefix_command();
  verb.set_help_flag();  // theirs
  verb.callback([&verb, &exit_code] { exit_code = become_program(verb.remaining()); });
}

}  // namespace millrace::tools
