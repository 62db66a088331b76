// The directory of a run, gone at its end.
#pragma once

#include "millrace/core/result.hpp"

#include <string>

namespace millrace::bench {

class Scratch {
 public:
  // In `under`, or in shared memory if that is empty, or where temporary files go if there is none.
  [[nodiscard]] static Result<Scratch> make(const std::string& under);

  Scratch(Scratch&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }

  Scratch& operator=(Scratch&&) = delete;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + '/' + name; }

 private:
  explicit Scratch(std::string path) noexcept : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace millrace::bench
