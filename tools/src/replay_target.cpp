#include "replay_target.hpp"

#include "signals.hpp"

#include <chrono>

namespace millrace::tools {
namespace {

constexpr std::chrono::nanoseconds kPatience = std::chrono::milliseconds(100);

}  // namespace

Result<bool> ReplayToOutput::check() {
  if (output_.os_error() != 0) {
    return fail_os(output_.os_error(), "cannot write to standard output");
  }
  return true;
}

Result<bool> ReplayToOutput::take(const ReplayedMessage& message) {
  const std::string_view text(reinterpret_cast<const char*>(message.bytes.data()),
                              message.bytes.size());
  print_message({.lane = std::nullopt,
                 .producer = message.producer,
                 .wall_ns = message.wall_ns,
                 .sequence = message.sequence,
                 .key = message.key,
                 .text = text},
                format_, output_.text());
  output_.settle();
  return check();
}

Result<bool> ReplayToOutput::settle() {
  output_.flush();
  if (auto good = check(); !good) return good;
  return output_.open();
}

Result<Publisher*> ReplayToChannel::publisher_of(std::string_view producer) {
  const auto found = publishers_.find(producer);
  if (found != publishers_.end()) return &found->second;
  PublisherOptions options;
  options.name = std::string(producer);
  auto made = channel_.publisher(options);
  if (!made) return Failure(made.error());
  return &publishers_.emplace(options.name, std::move(*made)).first->second;
}

Result<bool> ReplayToChannel::take(const ReplayedMessage& message) {
  const auto publisher = publisher_of(message.producer);
  if (!publisher) return Failure(publisher.error());
  for (;;) {
    const auto sent = (*publisher)->send_for(kPatience, message.bytes, message.key);
    if (sent) return true;
    if (sent.error().code() != Errc::timeout && sent.error().code() != Errc::full) {
      return Failure(sent.error());
    }
    if (end_requested()) return false;
  }
}

}  // namespace millrace::tools
