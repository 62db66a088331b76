// The channel of one restart, under a name of its own, gone when this object is. It holds nothing
// open meanwhile: a process that has forked could not use what it held.
#pragma once

#include "millrace/bench/load_plan.hpp"
#include "millrace/core/result.hpp"

#include <string>

namespace millrace::bench {

class LoadChannel {
 public:
  // Makes the domain if it is missing. Errors: as Domain::open and Domain::create.
  [[nodiscard]] static Result<LoadChannel> create(const LoadPlan& plan);

  LoadChannel(LoadChannel&& other) noexcept;
  LoadChannel& operator=(LoadChannel&&) = delete;

  // REQUIRES that the processes of the run have ended.
  ~LoadChannel();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  LoadChannel(std::string domain, std::string name) noexcept
      : domain_(std::move(domain)), name_(std::move(name)) {}

  std::string domain_;
  std::string name_;
};

}  // namespace millrace::bench
