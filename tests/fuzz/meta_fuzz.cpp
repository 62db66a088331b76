// Any bytes as the description of a channel: whoever opens it gets options within their ranges, or
// an error.
#include "fuzz_domain.hpp"
#include "millrace/core/meta_layout.hpp"

#include <bit>
#include <cstring>

namespace {

using namespace millrace;

void check(const ChannelOptions& options) {
  const bool sound = std::has_single_bit(options.ring_bytes) &&
                     options.ring_bytes >= kRingBytesMin && options.ring_bytes <= kRingBytesMax &&
                     options.lanes_max >= 1 && options.lanes_max <= kLanesMax &&
                     static_cast<unsigned>(options.policy) <= 2 && (options.mode & ~0777U) == 0;
  if (!sound) fuzz::broken_promise("options that nobody could have asked for");
}

fuzz::Bytes with_tag(fuzz::Bytes file, layout::Tag tag) {
  std::memcpy(file.data() + offsetof(layout::MetaFile, tags), &tag, sizeof tag);
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static fuzz::FuzzDomain domain;
  static const fuzz::Bytes valid = domain.get("block", "meta");
  auto [choice, file] = fuzz::split(data, bytes);
  if (choice % 8 != 0) fuzz::repair_header(file, valid);
  domain.put("block", "meta", file);
  const auto channel = domain.domain().find("block");
  if (!channel) return 0;
  check(channel->options());
  (void)channel->schema();
  (void)channel->stats();
  (void)domain.domain().channels();
  // Rings that this machine can afford are really made.
  if (channel->options().ring_bytes > kRingBytesMin || channel->options().pages == Pages::huge) {
    return 0;
  }
  auto publisher = channel->publisher();
  if (publisher) (void)publisher->try_send(fuzz::message("made as described"));
  return 0;
}

std::vector<fuzz::Bytes> fuzz::seeds() {
  const FuzzDomain domain;
  const Bytes block = domain.get("block", "meta");
  return {join(0, block), join(1, block), join(1, domain.get("lossy", "meta")),
          join(1, with_tag(block, {.tag = 9, .flags = 0, .length = 4000})),
          join(1, with_tag(block, {.tag = 9, .flags = layout::kTagCritical, .length = 8}))};
}
