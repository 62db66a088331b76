// libFuzzer's own mutations know bytes, ours know words and records: it takes turns.
#include "fuzz_target.hpp"

#include <cstring>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t bytes, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t bytes,
                                               std::size_t most, unsigned seed);

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t bytes, std::size_t most,
                                    unsigned seed) {
  if (seed % 3 == 0) return LLVMFuzzerMutate(data, bytes, most);
  millrace::fuzz::Bytes input(data, data + bytes);
  millrace::fuzz::Mutator(seed).mutate(input);
  if (input.size() > most) input.resize(most);
  if (!input.empty()) std::memcpy(data, input.data(), input.size());
  return input.size();
}
