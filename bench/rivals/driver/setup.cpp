#include "setup.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace millrace::rivals {

namespace {

constexpr int kAnswers = 3;

Role role_of(const std::string& word) {
  if (word == "leader") return Role::leader;
  if (word == "follower") return Role::follower;
  if (word == "both") return Role::both;
  if (word == "publisher") return Role::publisher;
  if (word == "consumer") return Role::consumer;
  if (word == "victim") return Role::victim;
  give_up("no such role: " + word);
}

Pattern pattern_of(const std::string& word) {
  if (word == "pair") return Pattern::pair;
  if (word == "broadcast") return Pattern::broadcast;
  if (word == "gather") return Pattern::gather;
  give_up("no such pattern: " + word);
}

std::size_t number_of(const char* word) {
  char* end = nullptr;
  const unsigned long long value = std::strtoull(word, &end, 10);
  if (end == word || *end != '\0' || value == 0) give_up(std::string("no number: ") + word);
  return value;
}

RivalPage* map_page(const char* path) {
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) give_up_os(std::string("cannot open ") + path);
  void* const memory =
      mmap(nullptr, sizeof(RivalPage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (memory == MAP_FAILED) give_up_os(std::string("cannot map ") + path);
  close(fd);
  auto* const page = static_cast<RivalPage*>(memory);
  if (page->magic != kPageMagic) give_up(std::string(path) + " is no page of a conductor");
  return page;
}

}  // namespace

void give_up(const std::string& sentence) {
  (void)std::fprintf(stderr, "%s\n", sentence.c_str());
  (void)std::fflush(stderr);
  _exit(2);
}

void give_up_os(const std::string& what) {
  give_up(what + ": " + std::strerror(errno));
}

Setup read_setup(int argc, char** argv) {
  if (argc != 9) {
    give_up(
        "usage: PROGRAM RIVAL PAGE ROLE PATTERN BYTES RECEIVERS SCOPE DIRECTORY; started by "
        "millrace-bench-rivals");
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Setup setup;
  setup.rival = argv[1];
  setup.page = map_page(argv[2]);
  setup.role = role_of(argv[3]);
  setup.pattern = pattern_of(argv[4]);
  setup.bytes = number_of(argv[5]);
  setup.receivers = number_of(argv[6]);
  setup.scope = argv[7];
  setup.directory = argv[8];
  if (setup.bytes < 32) give_up("a message has 32 bytes at least");
  return setup;
}

void wait_for_baton() {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = read(STDIN_FILENO, &byte, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) std::exit(0);  // a library that leaves in order leaves no files behind
}

void answer() {
  const char byte = '.';
  if (write(kAnswers, &byte, 1) != 1) _exit(0);
}

std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void name_thread(std::uint32_t& tid) {
  tid = static_cast<std::uint32_t>(gettid());
}

}  // namespace millrace::rivals
