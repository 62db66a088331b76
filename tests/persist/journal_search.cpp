// Searches any number of seeds for a history in which the log breaks its word.
//
// usage: journal_search [--seeds N] [--from S] [--flaw NAME] [--seconds T]
//
// Exit code: 0 nothing found, 1 something found (with a flaw planted that is what is wanted), 2 a
// wrong argument.
#include "sim_search.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace millrace;
using namespace millrace::sim;

struct Arguments {
  std::uint64_t seeds = 10'000;
  std::uint64_t from = 1;
  std::uint64_t seconds = 0;  // 0: no bound
  std::string flaw;
  bool wrong = false;
};

bool parse(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

Arguments arguments_of(std::span<char*> words) {
  Arguments found;
  for (std::size_t at = 1; at < words.size(); at += 2) {
    const std::string_view name = words[at];
    const std::string_view value = at + 1 < words.size() ? words[at + 1] : "";
    if (name == "--seeds" && parse(value, found.seeds)) continue;
    if (name == "--from" && parse(value, found.from)) continue;
    if (name == "--seconds" && parse(value, found.seconds)) continue;
    found.flaw = value;
    const auto known = [&](const NamedFlaw& one) { return value == one.name; };
    if (name == "--flaw" && std::ranges::any_of(kFlaws, known)) continue;
    found.wrong = true;
  }
  return found;
}

void print(const Counts& counts, double seconds) {
  const auto line = [](const char* what, std::uint64_t count) {
    std::printf("  %-44s %12" PRIu64 "\n", what, count);
  };
  std::printf("%" PRIu64 " histories in %.1f s\n", counts.histories, seconds);
  line("crashes: killed", counts.crashes[0]);
  line("crashes: power cut", counts.crashes[1]);
  line("crashes: reboot without close", counts.crashes[2]);
  line("crashes inside a recovery", counts.crashes_in_recovery);
  line("closed in good order", counts.clean_ends);
  line("poisoned by a failing device", counts.poisoned);
  line("refused because the disk was full", counts.full);
  line("recoveries checked", counts.recoveries);
  line("items submitted", counts.items);
  line("valid items cut", counts.cut_items);
  line("messages reported durable", counts.messages);
  line("messages compared after recoveries", counts.messages_read);
  line("damages planted", counts.damages);
  line("of these without a readable witness", counts.damages_unwitnessed);
}

}  // namespace

int main(int count, char** words) {
  const Arguments arguments = arguments_of({words, static_cast<std::size_t>(count)});
  if (arguments.wrong) {
    std::fprintf(stderr,
                 "usage: journal_search [--seeds N] [--from S] [--flaw NAME] "
                 "[--seconds T]; a flaw is one of");
    for (const NamedFlaw& one : kFlaws)
      std::fprintf(stderr, " %s", one.name);
    std::fprintf(stderr, "\n");
    return 2;
  }
  for (const NamedFlaw& one : kFlaws) {
    if (arguments.flaw == one.name) planted_flaw = one.flaw;
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  Counts counts;
  const auto found = search(arguments.from, arguments.seeds, counts, [&](std::uint64_t done) {
    if (done % 10'000 == 0) {
      std::fprintf(stderr, "%" PRIu64 " of %" PRIu64 " seeds, %.0f a second\n", done,
                   arguments.seeds, static_cast<double>(done) / seconds());
    }
    return arguments.seconds == 0 || seconds() < static_cast<double>(arguments.seconds);
  });
  print(counts, seconds());
  if (!found) return 0;
  std::printf("seed %" PRIu64 ": %s\nagain: %s\n", found->seed, found->how.c_str(),
              repeat_command(found->seed, arguments.flaw).c_str());
  return 1;
}
