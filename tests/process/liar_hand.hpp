// A file that a liar may write, opened once, and the words in it. It writes through the descriptor,
// so it may cut its own file short without dying of it.
#pragma once

#include "millrace/core/descriptor.hpp"
#include "process/liar_values.hpp"
#include "process/liar_words.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::liar {

class Hand {
 public:
  // Invalid if the kernel refuses it.
  Hand(std::string path, const FilePlan& plan, std::uint32_t lanes);

  [[nodiscard]] bool valid() const noexcept { return fd_.valid() && !truth_.empty(); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  [[nodiscard]] const std::string& layout() const noexcept { return layout_; }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  // As it was when it was opened.
  [[nodiscard]] const std::vector<std::byte>& truth() const noexcept { return truth_; }

  [[nodiscard]] const std::vector<Word>& words() const noexcept { return words_; }

  // Mostly a word that means something; now and then one of the header, or reserved.
  [[nodiscard]] const Word& any(Values& values) const;

  // Without its header: for a file that nobody could open any more otherwise.
  void spare_header();

  [[nodiscard]] std::uint64_t read(const Word& word) const noexcept;
  void write(const Word& word, std::uint64_t value) const noexcept;

  // One lie in one word of it.
  void lie(Values& values) const;

  // The same word, again and again: some readers look twice.
  void insist(Values& values, int times) const;

  // Keeps one word as it is, whatever others write: a counter that was raised is set back.
  void hold(Values& values, int times) const;

  void cut(Values& values) const;

  // Its bytes as they were, at the length they had.
  void restore() const;

 private:
  void find_meaning();

  std::string path_;
  std::string layout_;
  Descriptor fd_;
  std::vector<Word> words_;
  std::vector<std::size_t> meaning_;  // of `words_`: those of fields
  std::vector<std::byte> truth_;
};

// The whole file, as far as it can be read; for a liar that looks around.
[[nodiscard]] std::vector<std::byte> bytes_of_file(int fd, std::size_t most);

}  // namespace millrace::liar
