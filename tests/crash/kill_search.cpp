// Kills a process at the instructions of each operation, and says what the others found.
//
// usage: kill_search [--operation NAME] [--every N] [--most N] [--seed S] [--images] [--freeze]
//                    [--flawed] [--whole] [--json] [--list]
//
//   --operation NAME  only this one; --list names them
//   --every N         of points that look alike from outside only every N-th; default: all
//   --most N          about so many of those in each operation; default: no bound
//   --seed S          which of those, default 1
//   --images          not at every system call, only at every image of shared memory
//   --freeze          stop the victim and let it go on, instead of killing it
//   --flawed          the operations with a planted mistake instead of the good ones
//   --whole           newcomers, successor and cleaner also where others see nothing new
//   --json            a line of JSON for each operation, instead of a table
//
// Exit code: 0 nothing found, 1 something found (with --flawed: not in each of them), 2 a wrong
// argument.
#include "kill_every_point.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <span>
#include <string_view>

namespace {

using namespace millrace::crash;

struct Arguments {
  SearchSettings settings;
  std::string_view operation;
  bool flawed = false;
  bool json = false;
  bool list = false;
  std::string_view wrong;
};

bool parse(std::string_view text, auto& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool takes_value(Arguments& found, std::string_view name, std::string_view value) {
  if (name == "--operation") return found.operation = value, !value.empty();
  if (name == "--every") return parse(value, found.settings.every) && found.settings.every > 0;
  if (name == "--most") return parse(value, found.settings.most);
  return name == "--seed" && parse(value, found.settings.seed);
}

Arguments arguments_of(std::span<char*> words) {
  Arguments found;
  for (std::size_t at = 1; at < words.size(); ++at) {
    const std::string_view name = words[at];
    if (name == "--freeze") {
      found.settings.freeze = true;
    } else if (name == "--images") {
      found.settings.calls = false;
    } else if (name == "--flawed") {
      found.flawed = true;
    } else if (name == "--whole") {
      found.settings.whole = true;
    } else if (name == "--json") {
      found.json = true;
    } else if (name == "--list") {
      found.list = true;
    } else if (at + 1 == words.size() || !takes_value(found, name, words[at + 1])) {
      found.wrong = name;
      return found;
    } else {
      ++at;
    }
  }
  return found;
}

void print(const SearchReport& report, const Arguments& arguments) {
  if (arguments.json) {
    std::printf(
        "{\"operation\":\"%s\",\"instructions\":%u,\"images\":%u,\"calls\":%u,"
        "\"points\":%u,\"whole\":%u,\"missed\":%u,\"violations\":%u,\"seconds\":%.1f}\n",
        report.operation.c_str(), report.instructions, report.images, report.calls, report.points,
        report.whole, report.missed, report.violations, report.seconds);
  } else {
    std::printf("| %s | %u | %u | %u | %u | %u | %u | %u | %.0f |\n", report.operation.c_str(),
                report.instructions, report.images, report.calls, report.points, report.whole,
                report.missed, report.violations, report.points / report.seconds);
  }
  std::fflush(stdout);
  if (!report.first.empty() && !arguments.flawed) {
    std::fprintf(stderr, "%s: %s\n", report.operation.c_str(), report.first.c_str());
  }
}

int run(const Arguments& arguments) {
  const auto operations = arguments.flawed ? all_flawed_operations() : all_operations();
  bool known = false;
  bool as_wanted = true;
  if (!arguments.json && !arguments.list) {
    std::printf(
        "| operation | instructions | images | system calls | %s at | judged whole | missed | "
        "violations | points/s |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        arguments.settings.freeze ? "stopped" : "killed");
  }
  for (const Operation* operation : operations) {
    if (!arguments.operation.empty() && arguments.operation != operation->name) continue;
    known = true;
    if (arguments.list) {
      std::printf("%s\n", operation->name);
      continue;
    }
    const SearchReport report = search(*operation, arguments.settings);
    print(report, arguments);
    as_wanted = as_wanted && (report.violations != 0) == arguments.flawed && report.points != 0;
  }
  if (known) return as_wanted ? 0 : 1;
  std::fprintf(stderr, "kill_search: no operation has that name; --list names them\n");
  return 2;
}

}  // namespace

int main(int count, char** words) {
  const Arguments arguments = arguments_of({words, static_cast<std::size_t>(count)});
  if (arguments.wrong.empty()) return run(arguments);
  std::fprintf(stderr,
               "kill_search: %.*s is not understood, or lacks its value\n"
               "usage: kill_search [--operation NAME] [--every N] [--most N] [--seed S] [--images] "
               "[--freeze] [--flawed] [--whole] [--json] [--list]\n",
               static_cast<int>(arguments.wrong.size()), arguments.wrong.data());
  return 2;
}
