// Runs a fuzz target a fixed number of times, with any compiler:
//
//   x_bounded --mutations N [--seed S]   the seeds, then N mutations of them; always the same
//   x_bounded --write-seeds DIR          writes them as files, the corpus libFuzzer begins from
//   x_bounded FILE...                    these inputs only, such as one libFuzzer has found
//
// An input that breaks the promise ends the process with 1; which one it was is said first, and its
// bytes are written to ./broken-input.
#include "fuzz_target.hpp"

#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

namespace {

using millrace::fuzz::Bytes;
using millrace::fuzz::Mutator;

// An input that takes longer than this hangs. Slow machines with sanitizers need milliseconds.
constexpr unsigned kHangSeconds = 60;

Bytes current;
std::uint64_t current_number = 0;

// Only what a signal handler may do.
void on_end(int signal) {
  char text[96];
  const int length = std::snprintf(text, sizeof text, "input %" PRIu64 " ended by signal %d\n",
                                   current_number, signal);
  ssize_t ignored = write(STDERR_FILENO, text, static_cast<std::size_t>(length));
  const int fd = open("broken-input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd >= 0) ignored = write(fd, current.data(), current.size());
  static_cast<void>(ignored);
  _exit(1);
}

void run(const Bytes& input) {
  current = input;
  alarm(kHangSeconds);
  // A copy of exactly this size, so that a sanitizer sees what reads beyond it.
  const Bytes exact(current.begin(), current.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  ++current_number;
}

int run_mutations(std::uint64_t mutations, std::uint64_t seed) {
  const std::vector<Bytes> seeds = millrace::fuzz::seeds();
  for (const Bytes& input : seeds)
    run(input);
  Mutator mutator(seed);
  for (std::uint64_t i = 0; i < mutations; ++i) {
    Bytes input = seeds[mutator.below(seeds.size())];
    mutator.mutate(input);
    run(input);
  }
  std::printf("%zu seeds and %" PRIu64 " mutations: nothing broke\n", seeds.size(), mutations);
  return 0;
}

int write_seeds(const std::string& directory) {
  int number = 0;
  for (const Bytes& input : millrace::fuzz::seeds()) {
    std::ofstream file(directory + "/seed-" + std::to_string(number++), std::ios::binary);
    file.write(reinterpret_cast<const char*>(input.data()),
               static_cast<std::streamsize>(input.size()));
    if (!file.flush()) return 2;
  }
  return 0;
}

int run_files(int count, char** names) {
  for (int i = 0; i < count; ++i) {
    std::ifstream file(names[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", names[i]);
      return 2;
    }
    run(Bytes(std::istreambuf_iterator<char>(file), {}));
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  for (const int signal : {SIGABRT, SIGFPE, SIGALRM})
    std::signal(signal, on_end);
#ifndef MILLRACE_ASAN  // which says more about these itself
  for (const int signal : {SIGSEGV, SIGBUS})
    std::signal(signal, on_end);
#endif
  if (count == 3 && std::strcmp(words[1], "--write-seeds") == 0) return write_seeds(words[2]);
  if (count >= 3 && std::strcmp(words[1], "--mutations") == 0) {
    const bool seeded = count == 5 && std::strcmp(words[3], "--seed") == 0;
    return run_mutations(std::strtoull(words[2], nullptr, 10),
                         seeded ? std::strtoull(words[4], nullptr, 10) : 1);
  }
  return run_files(count - 1, words + 1);
}
