// The slices of one placement, sorted by subject and restart.
#pragma once

#include "subject.hpp"

#include <array>
#include <map>
#include <vector>

namespace millrace::bench {

// Of one subject.
class Cell {
 public:
  // `tail`: of the 99th percentiles instead of the medians.
  void add(const SliceSample& sample, bool tail);

  // By restart: the median over its slices of ln(subject / bracket), or its negative where more is
  // better. Only restarts that have enough slices: one that saw a placement in passing tells
  // nothing.
  [[nodiscard]] std::map<std::uint32_t, double> medians() const;

  [[nodiscard]] const std::vector<double>& ns() const noexcept { return ns_; }

  [[nodiscard]] const std::vector<double>& whole_ns() const noexcept { return whole_ns_; }

  // Of the slices of the bracket around.
  [[nodiscard]] const std::vector<double>& base_ns() const noexcept { return base_ns_; }

  [[nodiscard]] const std::vector<double>& base_whole_ns() const noexcept { return base_whole_ns_; }

 private:
  std::map<std::uint32_t, std::vector<double>> logs_;
  std::vector<double> ns_;
  std::vector<double> whole_ns_;
  std::vector<double> base_ns_;
  std::vector<double> base_whole_ns_;
};

class Cells {
 public:
  void add(const SliceSample& sample);

  [[nodiscard]] const Cell& of(Subject subject) const noexcept { return cells_[index(subject)]; }

  [[nodiscard]] const Cell& tail_of(Subject subject) const noexcept {
    return tails_[index(subject)];
  }

  // `cell` against what the subject is compared with, in the same restart. Where that is not the
  // bracket itself, a difference of medians: the two were never in adjacent slices.
  [[nodiscard]] Estimate estimated(const Cell& cell, const SubjectInfo& subject) const;

  // The same against the best of the bracket and its variants.
  [[nodiscard]] Estimate against_best(const Cell& cell, const SubjectInfo& subject) const;

 private:
  std::array<Cell, kSubjects> cells_;
  std::array<Cell, kSubjects> tails_;
};

}  // namespace millrace::bench
