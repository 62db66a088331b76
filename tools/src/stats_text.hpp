// Stats for people: what `millrace stat` prints.
#pragma once

#include "channel_sample.hpp"

#include <string>

namespace millrace::tools {

// With the rates since `before`, if there is one.
[[nodiscard]] std::string to_text(const ChannelSample& sample, const ChannelSample* before);

}  // namespace millrace::tools
