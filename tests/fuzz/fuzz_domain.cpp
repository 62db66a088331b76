#include "fuzz_domain.hpp"

#include "millrace/core/segment_layout.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace millrace::fuzz {

namespace {

template <class T>
T must(Result<T> result) {
  if (!result) broken_promise(std::string(result.error().sentence()).c_str());
  return std::move(*result);
}

std::string path_in(const std::string& channel, const std::string& name) {
  return channel.empty() ? name : channel + "/" + name;
}

}  // namespace

FuzzDomain::FuzzDomain()
    : domain_(must(Domain::open({.path = scratch_ / "domain", .participant = "fuzz"}))),
      fd_(open(domain_->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  ChannelOptions options;
  options.ring_bytes = kRingBytesMin;
  options.lanes_max = 4;
  for (const Policy policy : {Policy::block, Policy::evict, Policy::lossy}) {
    options.policy = policy;
    (void)must(domain_->create(to_string(policy), options));
  }
}

void FuzzDomain::put(const std::string& channel, const std::string& name,
                     std::span<const std::uint8_t> bytes) {
  // A new file each time: whoever still maps the last one keeps it.
  remove(channel, name);
  const Descriptor file(openat(fd_.get(), path_in(channel, name).c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid() ||
      write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    broken_promise("the input cannot be written");
  }
}

void FuzzDomain::remove(const std::string& channel, const std::string& name) {
  unlinkat(fd_.get(), path_in(channel, name).c_str(), 0);
}

Bytes FuzzDomain::get(const std::string& channel, const std::string& name) const {
  std::ifstream file(path() + "/" + path_in(channel, name), std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

void FuzzDomain::remove_lanes(const std::string& channel) {
  for (int lane = 0; lane < 4; ++lane) {
    remove(channel, "lane-" + std::to_string(lane));
    remove(channel, "lane-" + std::to_string(lane) + ".own");
  }
}

void repair_header(std::span<std::uint8_t> file, std::span<const std::uint8_t> valid) {
  const std::size_t most = std::min(file.size(), valid.size());
  std::copy_n(valid.begin(), std::min(most, sizeof(layout::SegmentHeader)), file.begin());
}

Split split(const std::uint8_t* data, std::size_t bytes) {
  if (bytes == 0) return {};
  return {data[0], Bytes(data + 1, data + bytes)};
}

Bytes join(std::uint8_t choice, const Bytes& file) {
  Bytes input(1 + file.size());
  input[0] = choice;
  std::copy(file.begin(), file.end(), input.begin() + 1);
  return input;
}

}  // namespace millrace::fuzz
