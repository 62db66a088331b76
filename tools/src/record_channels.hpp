// The channels that `record` writes down: found, or made durable on request, and taken away again
// if nothing came of it.
#pragma once

#include "millrace/transport/domain.hpp"
#include "millrace/transport/options.hpp"

#include <string>
#include <vector>

namespace millrace::tools {

class RecordChannels {
 public:
  // Every channel of `names` must be there; with `make` those that are missing are made with
  // `options`. Errors: as Domain::find and create; nothing is left behind.
  [[nodiscard]] static Result<RecordChannels> open(Domain& domain,
                                                   const std::vector<std::string>& names, bool make,
                                                   const ChannelOptions& options);

  RecordChannels(RecordChannels&& other) noexcept;
  RecordChannels& operator=(RecordChannels&&) = delete;

  // Takes away what was made, unless keep() was called or somebody uses it already.
  ~RecordChannels();

  void keep() noexcept { made_.clear(); }

  [[nodiscard]] const std::vector<std::string>& made() const noexcept { return made_; }

  // Channels that are not durable: the journal promises nothing for them.
  [[nodiscard]] const std::vector<std::string>& plain() const noexcept { return plain_; }

 private:
  explicit RecordChannels(Domain& domain) noexcept : domain_(&domain) {}

  Domain* domain_;
  std::vector<std::string> made_;
  std::vector<std::string> plain_;
};

}  // namespace millrace::tools
