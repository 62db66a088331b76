#include "millrace/bench/load_plan.hpp"

#include "../pinning.hpp"
#include "load_page.hpp"
#include "millrace/core/topology.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace millrace::bench {

namespace {

constexpr std::array<std::pair<const char*, LoadPlant>, 9> kPlants = {{
    {"none", LoadPlant::none},
    {"drop", LoadPlant::drop},
    {"duplicate", LoadPlant::duplicate},
    {"counter", LoadPlant::counter},
    {"wrong-byte", LoadPlant::wrong_byte},
    {"slow", LoadPlant::slow},
    {"sleep", LoadPlant::sleep},
    {"lone-delay", LoadPlant::lone_delay},
    {"fast-clock", LoadPlant::fast_clock},
}};

// splitmix64: every number has bytes of its own.
std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// Word `at` of message `number`: the number first, then what the seed says.
std::uint64_t word_of(std::uint64_t seed, std::uint64_t number, std::size_t at) noexcept {
  return at == 0 ? number : mix(seed ^ (number << 16) ^ at);
}

// The words of a message, its last one cut short.
template <class Each>
void for_each_word(std::uint64_t seed, std::uint64_t number, std::size_t length, Each each) {
  for (std::size_t at = 0; at < length; at += 8) {
    const std::uint64_t word = word_of(seed, number, at / 8);
    each(at, word, std::min<std::size_t>(8, length - at));
  }
}

}  // namespace

Result<LoadPlant> parse_plant(std::string_view text) {
  for (const auto& [word, plant] : kPlants) {
    if (text == word) return plant;
  }
  return fail(Errc::bad_argument, "there is no plant \"%.*s\"", static_cast<int>(text.size()),
              text.data());
}

const char* to_string(LoadPlant plant) noexcept {
  for (const auto& [word, one] : kPlants) {
    if (one == plant) return word;
  }
  return "unknown";
}

Result<LoadCpus> choose_load_cpus(const std::string& wish) {
  if (wish.empty()) {
    const auto allowed = allowed_cpus();
    if (!allowed) return Failure(allowed.error());
    if (allowed->size() < 2) return LoadCpus{};
  }
  const auto chosen = choose_cpus(wish);
  if (!chosen) return Failure(chosen.error());
  return LoadCpus{chosen->at(0), chosen->at(1)};
}

Result<void> check_plan(const LoadPlan& plan) {
  if (plan.length_min < 8 || plan.length_max < plan.length_min) {
    return fail(Errc::bad_argument,
                "messages of %u to %u bytes: write at least 8 (each carries its number), the "
                "smaller first",
                plan.length_min, plan.length_max);
  }
  if (plan.length_max > plan.ring_bytes / 8) {
    return fail(
        Errc::bad_argument,
        "messages of %u bytes: a ring of %llu bytes takes %llu at most here; make it larger",
        plan.length_max, static_cast<unsigned long long>(plan.ring_bytes),
        static_cast<unsigned long long>(plan.ring_bytes / 8));
  }
  if (plan.bare && (plan.length_max > BareLane::kBytes || plan.policy != Policy::block)) {
    return fail(Errc::bad_argument, "bare words carry at most %zu bytes, and block",
                BareLane::kBytes);
  }
  if (!(plan.seconds > 0) || !(plan.slice_seconds > 0)) {
    return fail(Errc::bad_argument, "a run takes some time: write more than 0 seconds");
  }
  return {};
}

std::uint32_t load_length(const LoadPlan& plan, std::uint64_t number) noexcept {
  const std::uint32_t span = plan.length_max - plan.length_min + 1;
  if (span == 1) return plan.length_min;
  return plan.length_min + static_cast<std::uint32_t>(mix(~plan.seed ^ number) % span);
}

std::uint64_t load_sum(std::span<const std::byte> bytes) noexcept {
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
    sum += word ^ (word >> 32);
  }
  return sum;
}

std::uint64_t load_sum(const LoadPlan& plan, std::uint64_t number) noexcept {
  std::uint64_t sum = 0;
  for_each_word(plan.seed, number, load_length(plan, number),
                [&sum](std::size_t, std::uint64_t word, std::size_t bytes) {
                  if (bytes < 8) word &= (std::uint64_t{1} << (8 * bytes)) - 1;
                  sum += word ^ (word >> 32);
                });
  return sum;
}

void write_load(const LoadPlan& plan, std::uint64_t number, std::span<std::byte> to) noexcept {
  for_each_word(plan.seed, number, to.size(),
                [to](std::size_t at, std::uint64_t word, std::size_t bytes) {
                  std::memcpy(to.data() + at, &word, bytes);
                });
}

}  // namespace millrace::bench
