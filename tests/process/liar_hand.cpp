#include "process/liar_hand.hpp"

#include "millrace/core/segment_layout.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::liar {

std::vector<std::byte> bytes_of_file(int fd, std::size_t most) {
  struct stat status {};

  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::vector<std::byte> bytes(std::min(most, static_cast<std::size_t>(status.st_size)));
  const ssize_t got = pread(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

Hand::Hand(std::string path, const FilePlan& plan, std::uint32_t lanes)
    : path_(std::move(path)),
      layout_(plan.layout),
      fd_(open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)),
      words_(words_of(plan, lanes)) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  if (fd_.valid()) truth_ = bytes_of_file(fd_.get(), kMost);
  find_meaning();
}

void Hand::spare_header() {
  std::erase_if(words_,
                [](const Word& word) { return word.offset < sizeof(layout::SegmentHeader); });
  find_meaning();
}

void Hand::find_meaning() {
  meaning_.clear();
  for (std::size_t at = 0; at < words_.size(); ++at) {
    const Word& word = words_[at];
    if (word.offset >= sizeof(layout::SegmentHeader) && !word.field.starts_with("reserved"))
      meaning_.push_back(at);
  }
}

const Word& Hand::any(Values& values) const {
  if (values.once_in(8)) return words_[values.below(words_.size())];
  return words_[meaning_[values.below(meaning_.size())]];
}

std::uint64_t Hand::read(const Word& word) const noexcept {
  std::uint64_t value = 0;
  (void)!pread(fd_.get(), &value, word.bytes, static_cast<off_t>(word.offset));
  return value;
}

void Hand::write(const Word& word, std::uint64_t value) const noexcept {
  (void)!pwrite(fd_.get(), &value, word.bytes, static_cast<off_t>(word.offset));
}

void Hand::lie(Values& values) const {
  const Word& word = any(values);
  write(word, values.lie(read(word)));
}

void Hand::insist(Values& values, int times) const {
  const Word& word = any(values);
  for (const std::uint64_t present = read(word); times != 0; --times)
    write(word, values.lie(present));
}

void Hand::hold(Values& values, int times) const {
  const Word& word = any(values);
  for (const std::uint64_t present = read(word); times != 0; --times) {
    write(word, present);
    if (times % 16 == 0) usleep(static_cast<useconds_t>(values.below(100)));
  }
}

void Hand::cut(Values& values) const {
  (void)!ftruncate(fd_.get(), static_cast<off_t>(values.below(truth_.size() + 1)));
}

void Hand::restore() const {
  (void)!ftruncate(fd_.get(), static_cast<off_t>(truth_.size()));
  (void)!pwrite(fd_.get(), truth_.data(), truth_.size(), 0);
}

}  // namespace millrace::liar
