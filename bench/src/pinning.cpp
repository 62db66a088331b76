#include "pinning.hpp"

#include <charconv>
#include <sched.h>
#include <string>

namespace millrace::bench {

namespace {

std::vector<int> allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> found;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return found;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) found.push_back(cpu);
  }
  return found;
}

std::string listed(const std::vector<int>& cpus) {
  std::string text;
  for (const int cpu : cpus) {
    if (!text.empty()) text += ',';
    text += std::to_string(cpu);
  }
  return text;
}

// -1 for anything but a plain number.
int number(std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

}  // namespace

Result<std::vector<int>> choose_cpus(std::string_view wish) {
  std::vector<int> cpus = allowed();
  if (wish.empty()) {
    if (cpus.size() > 2) cpus.resize(2);
    return cpus;
  }
  const std::size_t comma = wish.find(',');
  const int first = number(wish.substr(0, comma));
  const int second = comma == std::string_view::npos ? -1 : number(wish.substr(comma + 1));
  const auto may_use = [&](int cpu) {
    for (const int one : cpus) {
      if (one == cpu) return true;
    }
    return false;
  };
  if (first == second || !may_use(first) || !may_use(second)) {
    return fail(Errc::bad_argument,
                "--cpus %.*s: give two different processors as A,B; this process may use %s",
                static_cast<int>(wish.size()), wish.data(), listed(cpus).c_str());
  }
  return std::vector{first, second};
}

bool may_pin(int cpu) noexcept {
  cpu_set_t before;
  if (sched_getaffinity(0, sizeof before, &before) != 0 || !pin_to(cpu)) return false;
  return sched_setaffinity(0, sizeof before, &before) == 0;
}

bool pin_to(int cpu) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

}  // namespace millrace::bench
