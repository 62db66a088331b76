// Where `replay` brings messages: to standard output, or into a channel, each producer's into a
// lane of its own under the producer's name.
//
// Thread rules: one thread.
#pragma once

#include "channel_argument.hpp"
#include "message_print.hpp"
#include "millrace/persist/replayer.hpp"
#include "millrace/transport/domain.hpp"
#include "output_buffer.hpp"

#include <functional>
#include <map>
#include <string>

namespace millrace::tools {

class ReplayTarget {
 public:
  virtual ~ReplayTarget() = default;

  // False: nobody wants more (the reader of the pipe went away, or the end was requested).
  virtual Result<bool> take(const ReplayedMessage& message) = 0;

  // Called when nothing more is there at the moment, and at the end.
  virtual Result<bool> settle() = 0;
};

class ReplayToOutput : public ReplayTarget {
 public:
  explicit ReplayToOutput(OutputFormat format) : format_(format) {}

  Result<bool> take(const ReplayedMessage& message) override;
  Result<bool> settle() override;

 private:
  Result<bool> check();

  OutputFormat format_;
  OutputBuffer output_;
};

class ReplayToChannel : public ReplayTarget {
 public:
  explicit ReplayToChannel(Channel channel) : channel_(std::move(channel)) {}

  Result<bool> take(const ReplayedMessage& message) override;

  Result<bool> settle() override { return true; }

 private:
  Result<Publisher*> publisher_of(std::string_view producer);

  Channel channel_;
  std::map<std::string, Publisher, std::less<>> publishers_;
};

}  // namespace millrace::tools
