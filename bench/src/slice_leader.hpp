// The two processes of a restart at work. The follower obeys orders; the leader gives them, times
// slices, and hands the samples over. Order of groups and of subjects is random, the count of a
// slice follows from the one before so that every slice takes about the same time: a slice that
// takes longer is hit by the host more often, and would be discarded more often.
#pragma once

#include "contest.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace millrace::bench {

// Obeys until told to quit. Runs in the follower; does not return.
[[noreturn]] void follow(Grounds& grounds, const SubjectSet& subjects) noexcept;

class Leader {
 public:
  // Opens the leader's ends, and waits until the follower has its own. `subjects` holds with each
  // its bracket (subjects_with_company), and `bare`.
  Leader(Grounds& grounds, const SubjectSet& subjects);

  // One slice of about the usual time.
  Timing slice(Subject subject) noexcept;

  // Exactly so many messages. `counted`: both sides set markers around them.
  Timing run(Subject subject, std::uint64_t messages, bool counted = false) noexcept;

  // Rounds of slices for `seconds`; at least one round.
  [[nodiscard]] std::vector<SliceSample> rounds(double seconds, std::uint32_t restart);

  // Ends the follower.
  void quit() noexcept;

 private:
  // Slices of `order`, each between two of their bracket and, further out, two of bare.
  void round_of(Subject bracket, std::vector<Subject>& order, std::vector<SliceSample>& samples,
                std::uint32_t restart);

  // Tells the generators of that group to offer half of what the bracket can do at this moment.
  void set_half_rate(Subject bracket) noexcept;

  Grounds& grounds_;
  SubjectSet subjects_;
  Domain domain_;
  Contests contests_;
  std::mt19937_64 random_;
  std::uint64_t number_ = 0;
  std::array<double, kSubjects> last_ns_{};
  std::array<std::uint64_t, kSubjects> last_messages_{};
};

// The wanted ones, and all that are needed to judge them: brackets, variants, nulls, and bare.
[[nodiscard]] SubjectSet subjects_with_company(const SubjectSet& wanted) noexcept;

}  // namespace millrace::bench
