// The channel of one run: its own, under a name that nobody else uses, gone when the run is over.
#pragma once

#include "millrace/transport/domain.hpp"
#include "run_options.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace millrace::tools {

class RunChannel {
 public:
  // Opens the domain, making it if it is missing, and creates the channel, durable with a journal
  // in `journal` unless that is empty. Errors: as Domain::open and Domain::create; nothing is left
  // behind.
  [[nodiscard]] static Result<RunChannel> create(const RunOptions& options,
                                                 const std::string& journal);

  RunChannel(RunChannel&& other) noexcept;
  RunChannel& operator=(RunChannel&&) = delete;

  // REQUIRES that all processes of the run have ended.
  ~RunChannel();

  [[nodiscard]] const std::string& domain_path() const noexcept { return domain_->path(); }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // Messages published in a lane, read from the lane itself: a publisher that died can no longer
  // say. Nothing if the lane is gone.
  [[nodiscard]] std::optional<std::uint64_t> published(std::uint32_t lane) const;

  // Some of our processes did not leave in good order: what they left in the domain goes, too.
  void clean_up_after_deaths() noexcept { deaths_ = true; }

  // Nothing was run: what was only made for it goes, too.
  void forget_domain() noexcept { forget_ = true; }

 private:
  // What was there before the domain was opened.
  struct Before {
    bool directory = false;
    bool participants = false;
  };

  RunChannel(Domain domain, Before before) noexcept : domain_(std::move(domain)), before_(before) {}

  std::optional<Domain> domain_;
  std::string name_;  // empty until it was created
  Before before_;
  bool deaths_ = false;
  bool forget_ = false;
};

}  // namespace millrace::tools
