#include "kill_every_point.hpp"

#include "support/scratch_directory.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <system_error>

namespace millrace::crash {

namespace {

namespace fs = std::filesystem;

constexpr int kTries = 6;

class Search {
 public:
  Search(const Operation& operation, const SearchSettings& settings)
      : operation_(operation), settings_(settings), steps_(InstructionTrace::kStepsMax) {
    report_.operation = operation.name;
    trace_ = {steps_.get(), count_.get()};
  }

  SearchReport run() {
    const auto begin = std::chrono::steady_clock::now();
    if (!make_clock()) return report_;
    if (operation_.after == nullptr) {
      if (watch_a_good_life(operation_)) kill_everywhere();
    } else {
      die_twice();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    report_.seconds = took.count();
    return report_;
  }

 private:
  // The calibration of a domain takes longer than anything else; all attempts copy one.
  bool make_clock() {
    const std::string place = scratch_ / "clock";
    auto made = open_domain(place, "clock");
    if (made && made->channel(kChannel)) {
      for (const auto& entry : fs::directory_iterator(place)) {
        if (entry.path().filename().string().starts_with("clock-")) clock_ = entry.path();
      }
    }
    if (clock_.empty()) note_violation("no domain can be made", 0);
    return !clock_.empty();
  }

  Outcome attempt(Fate fate, std::uint32_t point) {
    const Attempt one{lives_, ledger_.get(), trace_, fate, point, first_death_, whole_};
    const Outcome outcome = crash::run(one, scratch_ / "domain", clock_);
    std::error_code ignored;
    if (outcome == Outcome::broken) fs::remove_all(scratch_ / "domain", ignored);
    return outcome;
  }

  // What a victim that nobody touches leaves, and every step of another.
  bool watch_a_good_life(const Operation& operation) {
    lives_ = &operation;
    for (const Fate fate : {Fate::none, Fate::record}) {
      if (attempt(fate, 0) == Outcome::good) continue;
      note_violation("already a victim that lives: " + ledger_->sentence(), 0);
      return false;
    }
    left_ = ledger_->left.data();
    report_.instructions = trace_.size() - 1;
    report_.images = trace_.images();
    report_.calls = trace_.calls();
    return true;
  }

  // One dies at each image of the first operation, and then another at each image of this one.
  void die_twice() {
    if (!watch_a_good_life(*operation_.after)) return;
    std::vector<std::uint32_t> deaths;
    for (std::uint32_t point = 0; point < trace_.size(); ++point) {
      if (trace_.new_image(point)) deaths.push_back(point);
    }
    for (const std::uint32_t death : deaths) {
      first_death_ = death;
      visible_ = 0;
      if (!watch_a_good_life(operation_)) return;
      for (std::uint32_t point = 0; point < trace_.size(); ++point) {
        if (trace_.new_image(point)) strike(point);
      }
    }
  }

  void kill_everywhere() {
    std::uint32_t every = settings_.every;
    if (settings_.most != 0) every = std::max(every, trace_.size() / settings_.most);
    const std::uint64_t first = settings_.seed % every;
    for (std::uint32_t point = 0; point < trace_.size(); ++point) {
      const bool distinct = settings_.calls ? trace_.distinct(point) : trace_.new_image(point);
      if (!distinct && point % every != first) continue;
      strike(point);
    }
  }

  void strike(std::uint32_t point) {
    whole_ = needs_whole(point);
    Outcome outcome = Outcome::missed;
    for (int i = 0; i < kTries && outcome == Outcome::missed; ++i)
      outcome = attempt(settings_.freeze ? Fate::freeze : Fate::kill, point);
    if (outcome == Outcome::missed) {
      ++report_.missed;
      return;
    }
    ++report_.points;
    report_.whole += whole_ ? 1 : 0;
    judged_ = judged_ || whole_;
    judge(outcome, point);
    whole_ = true;
  }

  // Points come in their order.
  bool needs_whole(std::uint32_t point) {
    if (trace_.distinct(point)) judged_ = false;
    return settings_.whole || settings_.freeze || !judged_;
  }

  void judge(Outcome outcome, std::uint32_t point) {
    if (outcome == Outcome::broken) return note_violation(ledger_->sentence(), point);
    if (whole_ && left_ != ledger_->left.data()) {
      note_violation("what is left is not what a good life leaves:\n" +
                         std::string(ledger_->left.data()) + "instead of:\n" + left_,
                     point);
    }
    // What others could see once they see for ever, where each victim goes the same way.
    const std::uint64_t visible = ledger_->visible.load(std::memory_order_relaxed);
    if (!settings_.freeze && !operation_.waits && visible < visible_) {
      note_violation("an earlier kill left " + std::to_string(visible_) + " messages, this one " +
                         std::to_string(visible),
                     point);
    }
    visible_ = visible;
  }

  void note_violation(const std::string& what, std::uint32_t point) {
    ++report_.violations;
    if (!report_.first.empty()) return;
    char where[96] = "";
    std::snprintf(where, sizeof where, "point %u of %u (first death at %u): ", point,
                  report_.instructions, first_death_);
    report_.first = where + what;
  }

  const Operation& operation_;
  const Operation* lives_ = nullptr;
  std::uint32_t first_death_ = 0;
  bool whole_ = true;    // this attempt has the whole judgement
  bool judged_ = false;  // and so had one since the image changed
  SearchSettings settings_;
  Shared<Ledger> ledger_;
  Shared<TracedStep> steps_;
  Shared<std::uint32_t> count_;
  InstructionTrace trace_;
  testing_support::ScratchDirectory scratch_;
  fs::path clock_;
  std::string left_;
  std::uint64_t visible_ = 0;
  SearchReport report_;
};

std::vector<const Operation*> list(std::initializer_list<std::span<const Operation>> tables) {
  std::vector<const Operation*> found;
  for (const auto table : tables) {
    for (const Operation& one : table)
      found.push_back(&one);
  }
  return found;
}

}  // namespace

SearchReport search(const Operation& operation, const SearchSettings& settings) {
  return Search(operation, settings).run();
}

std::vector<const Operation*> all_operations() {
  return list({publishing_operations(), reading_operations(), membership_operations(),
               making_operations(), repairing_operations(), ordered_operations()});
}

std::vector<const Operation*> all_flawed_operations() {
  return list({flawed_operations()});
}

}  // namespace millrace::crash
