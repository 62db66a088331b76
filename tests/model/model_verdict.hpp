// Runs models: the right ones must pass, the twins must be caught. The exit code says whether both
// held, and a line for each says how.
#pragma once

#include "model_memory.hpp"

namespace millrace::model {

class Verdict {
 public:
  // REQUIRES that the model holds in every execution tried: many random ones, and those with few
  // context switches in order.
  template <class Suite>
  void must_pass(const char* what, unsigned switches = 2) {
    report(what, "passes", run<Suite>(rl::sched_random, kIterations), true);
    report(what, "passes in order", run<Suite>(rl::sched_bound, 0, switches), true);
  }

  // The same for models that are too large to be tried in order.
  template <class Suite>
  void must_pass_at_random(const char* what) {
    report(what, "passes", run<Suite>(rl::sched_random, kIterations), true);
  }

  // REQUIRES that some execution breaks the model.
  template <class Suite>
  void must_be_caught(const char* what) {
    rl::test_result_e result = run<Suite>(rl::sched_random, kTwinIterations);
    if (result == rl::test_result_success) {
      result = run<Suite>(rl::sched_bound, 0);
    }
    report(what, "caught", result, false);
  }

  [[nodiscard]] int exit_code() const { return good_ ? 0 : 1; }

 private:
  static constexpr rl::iteration_t kIterations = 100'000;
  static constexpr rl::iteration_t kTwinIterations = 400'000;

  template <class Suite>
  rl::test_result_e run(rl::scheduler_type_e order, rl::iteration_t iterations,
                        unsigned switches = 2) {
    // Relacy replaces operator new: a stream with a buffer of its own would be taken for a leak.
    std::ostream quiet(nullptr);
    std::ostream* const stream = std::getenv("MILLRACE_MODEL_TRACE") ? &std::cout : &quiet;
    rl::test_params params;
    params.search_type = order;
    params.context_bound = switches;
    params.iteration_count = iterations;
    params.execution_depth_limit = 20'000;
    params.output_stream = stream;
    params.progress_stream = &quiet;
    rl::simulate<Suite>(params);
    executions_ = static_cast<unsigned long>(params.stop_iteration);
    return params.test_result;
  }

  void report(const char* what, const char* good_word, rl::test_result_e result, bool right) {
    const bool good = (result == rl::test_result_success) == right;
    good_ = good_ && good;
    std::printf("%-66s %s after %lu executions (%s)\n", what, good ? good_word : "WRONG",
                executions_, rl::test_result_str(result));
    std::fflush(stdout);
  }

  bool good_ = true;
  unsigned long executions_ = 0;
};

}  // namespace millrace::model
