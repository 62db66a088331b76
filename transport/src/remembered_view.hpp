// What named subscribers have acknowledged, as the channel's journal reads it from CH/remembered.
// Every word there is a subscriber's claim: nothing above the durable point is believed.
#pragma once

#include "channel_state.hpp"
#include "journaled_lane.hpp"
#include "millrace/core/remembered_layout.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace millrace::detail {

class RememberedView {
 public:
  explicit RememberedView(const ChannelState& channel);

  // What is acknowledged in these lanes, and was not when it was last asked.
  std::vector<JournalFeed::Acknowledged> look(
      const std::vector<std::unique_ptr<JournaledLane>>& lanes);

 private:
  // One subscriber's file, and what has been reported of it for each lane.
  struct Name {
    struct Told {
      std::uint64_t epoch = 0;
      Sequence sequence = 0;
    };

    std::string name;
    std::uint64_t inode = 0;  // of the file that is mapped
    std::optional<Segment> segment;
    Watched watch;
    std::vector<Told> told;
  };

  void find_names();
  void look_at(const std::string& name);
  void add_name(const std::string& name, std::uint64_t inode);
  static std::optional<Sequence> read(const Name& name, const JournaledLane& lane) noexcept;

  const ChannelState& channel_;
  Descriptor directory_;
  std::int64_t changed_ns_ = -1;  // of the directory when it was listed, once that is old
  std::vector<std::unique_ptr<Name>> names_;
};

}  // namespace millrace::detail
