#include "memory_rows.hpp"

#include "channel_ends.hpp"
#include "child.hpp"
#include "grounds.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace millrace::bench {

namespace {

constexpr std::size_t kOfEach = 8;  // the result is the mean

struct Weight {
  double shared = 0;    // bytes of files
  double resident = 0;  // bytes of the process
};

double bytes_of_files(const std::string& directory) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat facts = {};
    if (lstat(entry.path().c_str(), &facts) == 0)
      bytes += 512 * static_cast<double>(facts.st_blocks);
  }
  return bytes;
}

Weight weight_now(const std::string& directory) {
  std::ifstream file("/proc/self/statm");
  double all = 0;
  double resident = 0;
  file >> all >> resident;
  return {bytes_of_files(directory), resident * static_cast<double>(sysconf(_SC_PAGESIZE))};
}

// What `make` adds, kOfEach times.
template <class Make>
Weight weigh(const std::string& directory, Make make) {
  const Weight before = weight_now(directory);
  for (std::size_t number = 0; number < kOfEach; ++number)
    make(number);
  const Weight after = weight_now(directory);
  return {(after.shared - before.shared) / kOfEach, (after.resident - before.resident) / kOfEach};
}

enum class What : std::uint8_t { channel, lane, reader };

Weight weigh_in(const std::string& directory, What what) {
  DomainOptions options;
  options.path = directory;
  Domain domain = must(Domain::open(options));
  const ChannelOptions defaults;
  std::vector<Channel> channels;
  std::vector<Publisher> publishers;
  std::vector<Subscriber> subscribers;
  channels.reserve(kOfEach + 1);
  const auto channel = [&](std::size_t number) {
    channels.push_back(must(domain.channel("c" + std::to_string(number), defaults)));
  };
  channel(kOfEach);
  const auto lane = [&](std::size_t) { publishers.push_back(must(channels[0].publisher({}))); };
  const auto reader = [&](std::size_t) { subscribers.push_back(must(channels[0].subscriber({}))); };
  // The first of each brings things that all share.
  lane(0);
  reader(0);
  switch (what) {
    case What::channel: return weigh(directory, channel);
    case What::lane: return weigh(directory, lane);
    case What::reader: break;
  }
  return weigh(directory, reader);
}

void fill(const SoloPlan& plan, Row& row, What what) {
  auto shared = SharedPiece<Weight>::make();
  if (!shared) {
    row.invalid = std::string(shared.error().sentence());
    return;
  }
  const std::string directory = plan.directory + "/weighed";
  Child child = Child::run(-1, [&] { **shared = weigh_in(directory, what); });
  if (!child.ended_well()) row.invalid = "the process that was weighed failed";
  row.value = (*shared)->shared;
  row.more.emplace_back("resident_bytes", (*shared)->resident);
  if (what == What::lane) {
    row.more.emplace_back("of_these_the_ring", static_cast<double>(ChannelOptions().ring_bytes));
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

}  // namespace

void weigh_channel(const SoloPlan& plan, Row& row) {
  fill(plan, row, What::channel);
}

void weigh_lane(const SoloPlan& plan, Row& row) {
  fill(plan, row, What::lane);
}

void weigh_reader(const SoloPlan& plan, Row& row) {
  fill(plan, row, What::reader);
}

}  // namespace millrace::bench
