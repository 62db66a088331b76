#include "sim_search.hpp"

#include "sim_sentence.hpp"

namespace millrace::sim {

std::optional<Broken> search(std::uint64_t from, std::uint64_t count, Counts& counts,
                             const std::function<bool(std::uint64_t)>& progress) {
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    History history(seed);
    const std::string how = history.run();
    counts.add(history.counts());
    if (!how.empty()) return Broken{seed, how};
    if (progress && !progress(seed - from + 1)) break;
  }
  return std::nullopt;
}

std::string repeat_command(std::uint64_t seed, std::string_view flaw) {
  return sentence("journal_search --from {} --seeds 1{}{}", seed, flaw.empty() ? "" : " --flaw ",
                  flaw);
}

}  // namespace millrace::sim
