// The options of a channel, to and from the bytes of CH/meta.
#pragma once

#include "millrace/core/meta_layout.hpp"
#include "millrace/core/result.hpp"
#include "millrace/transport/options.hpp"
#include "millrace/transport/schema.hpp"

namespace millrace::detail {

// Fills a new file behind its header.
void write_meta(layout::MetaFile& file, const ChannelOptions& options, const Schema& schema);

// Takes a private copy of the file apart. Whatever it says is checked: a value outside its range, a
// kind or a critical tag that this version does not know is Errc::format.
Result<ChannelOptions> read_meta(const layout::MetaFile& copy, const char* channel);

}  // namespace millrace::detail
