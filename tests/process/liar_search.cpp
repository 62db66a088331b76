// Rounds of lies, one after the other, until the time is up or the promise is broken.
//
// usage: liar_search --role subscriber|publisher [--seconds T] [--seed S] [--policy NAME]
//                    [--order lane|total] [--rounds N]
//
// Exit code: 0 the promise was kept, 1 it was broken (how, and the command that repeats the round,
// are said), 2 a wrong argument.
#include "process/liar_round.hpp"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <span>
#include <string_view>

namespace {

using namespace millrace;
using namespace millrace::liar;

struct Arguments {
  std::optional<Role> role;
  std::optional<Policy> policy;
  std::optional<Order> order;
  std::uint64_t seconds = 60;
  std::uint64_t seed = 1;
  std::uint64_t rounds = ~std::uint64_t{0};
};

bool parse(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

template <class Choice>
bool parse(std::string_view text, std::optional<Choice>& choice, std::span<const Choice> all) {
  for (const Choice one : all) {
    if (text == to_string(one)) choice = one;
  }
  return choice.has_value();
}

constexpr std::array kRoles{Role::subscriber, Role::publisher};
constexpr std::array kPolicies{Policy::block, Policy::evict, Policy::lossy};
constexpr std::array kOrders{Order::lane, Order::total};

std::optional<Arguments> arguments_of(std::span<char*> words) {
  Arguments made;
  for (std::size_t at = 1; at < words.size(); at += 2) {
    const std::string_view name = words[at];
    const std::string_view value = at + 1 < words.size() ? words[at + 1] : "";
    const bool known = (name == "--role" && parse<Role>(value, made.role, kRoles)) ||
                       (name == "--policy" && parse<Policy>(value, made.policy, kPolicies)) ||
                       (name == "--order" && parse<Order>(value, made.order, kOrders)) ||
                       (name == "--seconds" && parse(value, made.seconds)) ||
                       (name == "--seed" && parse(value, made.seed)) ||
                       (name == "--rounds" && parse(value, made.rounds));
    if (!known) return std::nullopt;
  }
  return made.role ? std::optional(made) : std::nullopt;
}

void print(const Outcome& sum, std::uint64_t rounds, double seconds) {
  const auto line = [](const char* what, std::uint64_t count) {
    std::printf("  %-44s %12" PRIu64 "\n", what, count);
  };
  std::printf("%" PRIu64 " rounds in %.1f s, %s\n", rounds, seconds,
              has_own_rights() ? "liar and victims are two users" : "all of one user");
  line("bursts of lies", sum.lies);
  line("liars that died of their own lies", sum.liars_deaths);
  line("messages published or checked", sum.messages);
  line("errors told", sum.errors);
  line("messages reported lost", sum.lost);
  line("victims that came in the middle", sum.openings);
  line("of those, shut out for a while", sum.shut_out);
}

}  // namespace

int main(int count, char** words) {
  const auto arguments = arguments_of({words, static_cast<std::size_t>(count)});
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: liar_search --role subscriber|publisher [--seconds T] [--seed S] "
                 "[--policy block|evict|lossy] [--order lane|total] [--rounds N]\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  Outcome sum;
  std::uint64_t round = 0;
  for (; round < arguments->rounds && seconds() < static_cast<double>(arguments->seconds);
       ++round) {
    const std::uint64_t seed = arguments->seed + round;
    const Policy policy = arguments->policy.value_or(kPolicies[seed % kPolicies.size()]);
    const Order order = arguments->order.value_or(Order::lane);
    const Outcome found =
        run_round({.role = *arguments->role, .policy = policy, .order = order, .seed = seed});
    sum.add(found);
    if (found.broken.empty()) continue;
    std::printf(
        "broken promise: %s\nagain: liar_search --role %s --policy %s --order %s "
        "--seed %" PRIu64 " --rounds 1\n",
        found.broken.c_str(), to_string(*arguments->role), to_string(policy), to_string(order),
        seed);
    return 1;
  }
  print(sum, round, seconds());
  return 0;
}
