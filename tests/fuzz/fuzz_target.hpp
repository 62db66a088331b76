// A fuzz target is one source that takes untrusted bytes to what reads them, under the name that
// libFuzzer calls, and says which valid bytes to begin from. It is linked twice: with libFuzzer
// (clang only), which searches, and with bounded_run.cpp, which makes a fixed number of mutations
// from a fixed seed with any compiler, as a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// The promise is broken if this crashes, does not return, or calls broken_promise().
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes);

namespace millrace::fuzz {

using Bytes = std::vector<std::uint8_t>;

// Valid inputs, which mutation begins from. Deterministic, except where files carry the boot id.
std::vector<Bytes> seeds();

// Ends the process with a sentence.
[[noreturn]] void broken_promise(const char* sentence);

// Reads every byte, so that a sanitizer sees each one, and no compiler leaves it out.
std::uint64_t touch(std::span<const std::byte> bytes);

// Changes a few words, lengths or ranges of the input. The same state makes the same changes.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : state_(seed * 2 + 1) {}

  void mutate(Bytes& input);

  // Uniform below `bound`, which is not 0.
  std::uint64_t below(std::uint64_t bound);

 private:
  std::uint64_t next();
  std::uint64_t interesting(std::uint64_t old);
  void change_word(Bytes& input);
  void change_field(Bytes& input);
  void copy_range(Bytes& input);
  void change_length(Bytes& input);

  std::uint64_t state_;
};

}  // namespace millrace::fuzz
